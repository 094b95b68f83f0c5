/** When an incident begins, what it takes in, when it is over, and what is kept of it. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { View } from '../../src/core/view.ts';
import { IncidentManager } from '../../src/recorder/incident-manager.ts';
import { MAX_INCIDENTS } from '../../src/recorder/incident-store.ts';
import type { Incident } from '../../src/recorder/incident.ts';
import { setClock, START } from '../support/clock.ts';
import { brokenAt, fail, GITLAB, runner, snapshotOf } from '../support/snapshots.ts';
import { viewOf } from '../support/views.ts';

let directory: string;
let problems: string[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'runnerwatch-book-'));
  problems = [];
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const files = async () => await readdir(join(directory, 'incidents')).catch(() => []);

function newManager(stateDirectory = directory): IncidentManager {
  return new IncidentManager({
    clock: setClock(),
    stateDirectory,
    onProblem: (problem) => problems.push(problem),
    changes: () => [],
    timeline: () => [],
    withChanges: (view) => view,
    surrounds: async () => ({
      routes: [],
      runnerLog: ['level=error token=glrt-runnerAA1-not-shown'],
      processes: { byCpu: [], byMemory: [] },
      hardware: {},
    }),
  });
}

/** Shows a view and waits until what it begins is on the shelf. */
async function show(book: IncidentManager, view: View): Promise<void> {
  book.observe(view);
  await book.flush(true);
}

/** A view taken later. */
function later(view: View, minutes: number): View {
  return { ...view, snapshot: { ...view.snapshot, takenAt: START + minutes * 60_000 } };
}

const viewWithRefusals = (ids: readonly string[], bad: readonly string[]): View => {
  const findings = Object.fromEntries(
    bad.map((id) => [`token@${id}`, fail('rejected', { line: 7 })]),
  );
  return viewOf(snapshotOf(findings, { runners: ids.map((id) => runner(id)) }));
};
const HEALTHY = viewOf(snapshotOf());
const BROKEN = viewOf(snapshotOf(brokenAt('connect', fail('refused'))));

function documentOf(book: IncidentManager, index = 0): Incident {
  return JSON.parse(book.text(book.list()[index]?.id ?? '') ?? '{}') as Incident;
}

describe('an incident', () => {
  test('begins when a cause is confirmed, with its runs and without a secret', async () => {
    const book = newManager();
    await show(book, BROKEN);

    expect(book.list()).toMatchObject([
      {
        id: '20261124T090000Z-tcp-connection-refused',
        startedAt: START - 60_000,
        confirmedAt: START,
        runners: ['runnerAA1', 'runnerAA2'],
      },
    ]);
    expect(documentOf(book).runs[`connect@${GITLAB}`]).toHaveLength(1);
    expect(documentOf(book).runnerLog).toEqual(['level=error token=[hidden]']);
    expect(await files()).toEqual(['20261124T090000Z-tcp-connection-refused.json']);
  });

  test('of one cause and fifty entries is one', async () => {
    const ids = Array.from({ length: 50 }, (_, index) => `runner${100 + index}`);
    const book = newManager();
    await show(book, viewWithRefusals(ids, ids));

    expect(book.list()).toHaveLength(1);
    expect(book.list()[0]?.runners).toHaveLength(50);
  });

  test('takes in an entry that the same cause reaches later', async () => {
    const book = newManager();
    await show(book, viewWithRefusals(['runnerAA1', 'runnerAA2'], ['runnerAA1']));
    await show(
      book,
      later(viewWithRefusals(['runnerAA1', 'runnerAA2'], ['runnerAA1', 'runnerAA2']), 5),
    );

    expect(book.list()).toMatchObject([{ runners: ['runnerAA1', 'runnerAA2'] }]);
    expect(documentOf(book).confirmedAt).toBe('2026-11-24T09:00:00.000Z');
  });

  test('does not begin with a suspicion, nor with what is for information only', async () => {
    const book = newManager();
    const diagnosis = BROKEN.diagnosis;
    const causes = diagnosis.causes.flatMap((cause) => [
      { ...cause, confidence: 'suspected' as const },
      { ...cause, id: 'runner-paused', severity: 'info' as const },
    ]);
    await show(book, { ...BROKEN, diagnosis: { ...diagnosis, causes } });

    expect(book.list()).toEqual([]);
  });

  test('is closed with the time of recovery, and a new one begins when it breaks again', async () => {
    const book = newManager();
    await show(book, BROKEN);
    await show(book, later(HEALTHY, 4));
    await show(book, later(BROKEN, 30));

    expect(book.list()).toMatchObject([
      { id: '20261124T093000Z-tcp-connection-refused' },
      { recoveredAt: START + 240_000 },
    ]);
    expect(documentOf(book, 1)).toMatchObject({
      recoveredAt: '2026-11-24T09:04:00.000Z',
      durationSeconds: 300,
    });
  });

  test('stays open while another fault hides what it was about', async () => {
    const book = newManager();
    await show(book, BROKEN);
    await show(book, later(viewOf(snapshotOf(brokenAt('dns', fail('timeout')))), 4));

    expect(book.list().map(({ recoveredAt }) => recoveredAt)).toEqual([undefined, undefined]);
  });

  test('is over when its entry is gone', async () => {
    const book = newManager();
    await show(book, viewWithRefusals(['runnerAA1', 'runnerAA2'], ['runnerAA1']));
    await show(book, later(viewWithRefusals(['runnerAA2'], []), 1));

    expect(book.list()[0]?.recoveredAt).toBe(START + 60_000);
  });
});

describe('what is kept', () => {
  test('is there after a restart, and continues', async () => {
    await show(newManager(), BROKEN);
    const again = newManager();
    await again.load();
    await show(again, later(HEALTHY, 1));

    expect(again.list()).toMatchObject([{ recoveredAt: START + 60_000 }]);
    expect(await files()).toHaveLength(1);
  });

  test('is bounded in number: the oldest that are over go first, from memory and disk', async () => {
    const book = newManager();
    for (let index = 0; index < MAX_INCIDENTS + 5; index += 1) {
      await show(book, later(BROKEN, index * 2));
      if (index > 0) await show(book, later(HEALTHY, index * 2 + 1));
    }

    expect(book.list()).toHaveLength(MAX_INCIDENTS);
    expect(await files()).toHaveLength(MAX_INCIDENTS);
  });

  test('is bounded in size', async () => {
    const ids = Array.from({ length: 200 }, (_, index) => `runner${100 + index}`);
    const view = viewWithRefusals(ids, ids);
    const detail = 'x'.repeat(4000);
    const checks = view.snapshot.checks.map((state) => ({
      ...state,
      finding: { ...fail('rejected'), detail } as const,
    }));
    const book = newManager();
    await show(book, { ...view, snapshot: { ...view.snapshot, checks } });

    const text = book.text(book.list()[0]?.id ?? '') ?? '';
    expect(Buffer.byteLength(text)).toBeLessThan(512 * 1024);
    expect(documentOf(book).leftOut.length).toBeGreaterThan(0);
  });

  test('is what is sound: files of any other content are left alone and not shown', async () => {
    await mkdir(join(directory, 'incidents'));
    const odd = ['{', 'null', '{"schema":1}', '{"schema":2,"id":"20261124T090000Z-x"}', ''];
    for (const [index, text] of odd.entries()) {
      await writeFile(join(directory, `incidents/2026112${index}T000000Z-odd.json`), text);
    }
    await writeFile(join(directory, 'incidents/readme.txt'), 'mine');
    const book = newManager();
    await book.load();

    expect(book.list()).toEqual([]);
    await show(book, BROKEN);
    expect(await files()).toEqual(['20261124T090000Z-tcp-connection-refused.json', 'readme.txt']);
  });

  test('is kept in memory if nothing can be written, and that is reported once', async () => {
    await writeFile(join(directory, 'incidents'), 'a file is in its place');
    const book = newManager();
    await show(book, BROKEN);
    await show(book, later(HEALTHY, 4));

    expect(book.list()).toMatchObject([{ recoveredAt: START + 240_000 }]);
    expect(problems).toEqual([expect.stringMatching(/incidents\/.*: (?:ENOTDIR|EEXIST)$/)]);
    await rm(join(directory, 'incidents'));
    await book.flush(false);
    expect(await files()).toHaveLength(1);
  });
});
