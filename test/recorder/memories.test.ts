/** What the recorder remembers: changes, events and samples, bounded, and valid with any content of a file. */
import { describe, expect, test } from 'vitest';

import { ChangeJournal } from '../../src/recorder/change-journal.ts';
import { BUCKET_MILLISECONDS, History } from '../../src/recorder/history.ts';
import type { Traces } from '../../src/recorder/traces.ts';
import { START } from '../support/clock.ts';
import { snapshotOf } from '../support/snapshots.ts';
import { withMeasures } from '../support/views.ts';

const NONSENSE: readonly unknown[] = [
  undefined,
  null,
  7,
  [],
  { traces: 3, changes: 'x', timeline: {}, series: 1 },
  { traces: { a: 1 }, changes: [{ at: 'x' }, null], timeline: [{}, 3], series: [{ points: [1] }] },
];

const traces = (what: string, text: string): Traces => new Map([[what, { kind: 'routes', text }]]);
const fileNotes = (text: string, changedAt: number): Traces =>
  new Map([['hosts', { kind: 'hosts-file', text, changedAt }]]);

describe('the journal', () => {
  test('a thing seen first is no change, a different one is, and an equal one is not', () => {
    const journal = new ChangeJournal();

    expect(journal.update(traces('hosts', 'a'), START)).toEqual([]);
    expect(journal.update(traces('hosts', 'a'), START + 1)).toEqual([]);
    expect(journal.update(traces('hosts', 'b'), START + 2)).toEqual([
      {
        at: START + 2,
        earliest: START + 1,
        kind: 'routes',
        what: 'hosts',
        before: 'a',
        after: 'b',
      },
    ]);
  });

  test('a thing that is unknown for a while is compared with what it was before', () => {
    const journal = new ChangeJournal();
    journal.update(traces('certificate', 'serial 1'), START);
    journal.update(new Map(), START + 1);

    expect(journal.update(traces('certificate', 'serial 2'), START + 2)).toHaveLength(1);
  });

  test('a change during a restart is noticed after it', () => {
    const before = new ChangeJournal();
    before.update(traces('routes', 'eth0'), START);
    const after = new ChangeJournal();
    after.restore(JSON.parse(JSON.stringify(before.save())));

    expect(after.update(traces('routes', 'eth1'), START + 1)).toMatchObject([
      { before: 'eth0', after: 'eth1' },
    ]);
  });

  test('the time of a change is that of the file, unless it is older than the last reading', () => {
    const journal = new ChangeJournal();
    journal.update(fileNotes('a', START - 5000), START);

    expect(journal.update(fileNotes('b', START + 500), START + 3000)[0]?.at).toBe(START + 500);
    expect(journal.update(fileNotes('c', START - 90_000), START + 6000)[0]?.at).toBe(START + 6000);
  });

  test('it keeps a hundred changes, newest first', () => {
    const journal = new ChangeJournal();
    for (let index = 0; index < 150; index += 1) {
      journal.update(traces('hosts', String(index)), START + index);
    }

    expect(journal.changes(0)).toHaveLength(100);
    expect(journal.changes(0)[0]?.after).toBe('149');
    expect(journal.changes(START + 148)).toHaveLength(2);
  });

  test.each(NONSENSE)('%j as memory is forgotten', (memory) => {
    const journal = new ChangeJournal();
    journal.restore(memory);

    expect(journal.save()).toEqual({ lookedAt: 0, traces: {}, changes: [] });
  });
});

describe('the history', () => {
  test('within five minutes the last value of a measure counts, and a day is kept', () => {
    const history = new History();
    const full = withMeasures(snapshotOf());
    const bucket = Math.floor(START / BUCKET_MILLISECONDS) * BUCKET_MILLISECONDS;
    for (let index = 0; index < 400; index += 1) {
      history.sample({ ...full, takenAt: bucket + index * BUCKET_MILLISECONDS });
      history.sample({ ...full, takenAt: bucket + index * BUCKET_MILLISECONDS + 6000 });
    }
    const lengths = history.series().map(({ points }) => points.length);

    expect(new Set(lengths)).toEqual(new Set([288]));
  });

  test('what is plotted are the phases of the walk and what a threshold judges', () => {
    const history = new History();
    history.sample(withMeasures(snapshotOf()));
    const names = history.series().map(({ check, measure }) => `${check.split('@')[0]}/${measure}`);

    expect(names).toEqual(
      expect.arrayContaining([
        'dns/lookup_seconds',
        'connect/connect_seconds',
        'tls/handshake_seconds',
        'http/response_seconds',
        'disk/free_ratio',
        'memory/available_ratio',
        'cpu/pressure_ratio',
      ]),
    );
    expect(names).not.toContain('disk/size_bytes');
  });

  test('events of a day, at most two hundred, newest first', () => {
    const history = new History();
    for (let index = 0; index < 250; index += 1) {
      history.add([{ at: START + index, tone: 'note', kind: 'x', text: String(index) }], START);
    }

    expect(history.timeline(START)).toHaveLength(200);
    expect(history.timeline(START)[0]?.text).toBe('249');
    expect(history.timeline(START + 86_400_000 + 500)).toEqual([]);
  });

  test('a memory that was written is read back', () => {
    const history = new History();
    history.sample(withMeasures(snapshotOf()));
    history.add([{ at: START, tone: 'bad', kind: 'x', text: 'y' }], START);
    const again = new History();
    again.restore(JSON.parse(JSON.stringify(history.save())));

    expect(again.save()).toEqual(history.save());
  });

  test.each(NONSENSE)('%j as memory is forgotten', (memory) => {
    const history = new History();
    history.restore(memory);

    expect(history.save()).toEqual({ timeline: [], series: [] });
  });
});
