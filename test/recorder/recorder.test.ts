/** What the recorder gathers of a host: everything that may have changed, the clock, the runner's own log. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { RunnerProcess } from '../../src/core/reading.ts';
import type { Change as JournalChange } from '../../src/core/change.ts';
import type { Paths } from '../../src/core/paths.ts';
import type { Snapshot } from '../../src/core/check.ts';
import type { View } from '../../src/core/view.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { withChanges } from '../../src/diagnosis/changes/with-changes.ts';
import { transitionsBetween } from '../../src/diagnosis/cause-tracker.ts';
import type { Incident } from '../../src/recorder/incident.ts';
import { ChangeJournal } from '../../src/recorder/change-journal.ts';
import { Recorder } from '../../src/recorder/recorder.ts';
import { TraceReader } from '../../src/recorder/traces.ts';
import { setClock, START } from '../support/clock.ts';
import { rootFolder } from '../support/dns-server.ts';
import { brokenAt, CONFIG, fail, PROXY, RUNNER_PROCESS, snapshotOf } from '../support/snapshots.ts';
import { until } from '../support/until.ts';
import { viewOf } from '../support/views.ts';

const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';
const CERTS = '/etc/gitlab-runner/certs/gitlab.example.com.crt';
const ROUTES = `Iface Destination Gateway Flags RefCnt Use Metric Mask
eth0 00000000 010200C0 0003 0 0 0 00000000`;
const FILES = {
  [CONFIG]: 'concurrent = 1',
  '/etc/resolv.conf': 'nameserver 10.0.0.2\nsearch example.com\n# a note\n',
  '/etc/hosts': '127.0.0.1 localhost\n10.0.0.9 gitlab.example.com\n',
  '/etc/nsswitch.conf': 'passwd: files\nhosts: files dns\n',
  [BUNDLE]: 'one',
  '/usr/bin/gitlab-runner': 'version 18',
  '/proc/net/route': ROUTES,
};

function processOf(over: Partial<RunnerProcess>): RunnerProcess {
  return { ...RUNNER_PROCESS, environment: {}, ...over };
}

function snapshotWith(paths: Paths, process: RunnerProcess, serial = '0A'): Snapshot {
  const facts = { serial, not_after: '2027-01-01T00:00:00.000Z' };
  return snapshotOf(
    { tls: { status: 'pass', facts } },
    { process, place: { ...PACKAGED_PLACE, paths } },
  );
}

interface Change {
  readonly what: string;
  /** Files to write, or to remove. */
  readonly files?: Readonly<Record<string, string | undefined>>;
  readonly process?: Partial<RunnerProcess>;
  readonly serial?: string;
  readonly before: RegExp;
  readonly after: RegExp;
}

const CHANGES: readonly Change[] = [
  { what: CONFIG, files: { [CONFIG]: 'concurrent = 2' }, before: /^sha256 /, after: /^sha256 / },
  {
    what: '/etc/resolv.conf',
    files: { '/etc/resolv.conf': 'nameserver 10.0.0.3\n' },
    before: /^nameserver 10\.0\.0\.2; search example\.com; sha256 /,
    after: /^nameserver 10\.0\.0\.3; sha256 /,
  },
  {
    what: '/etc/hosts',
    files: { '/etc/hosts': '127.0.0.1 localhost\n' },
    before: /^10\.0\.0\.9 gitlab\.example\.com; sha256 /,
    after: /^sha256 /,
  },
  {
    what: '/etc/nsswitch.conf',
    files: { '/etc/nsswitch.conf': 'hosts: files\n' },
    before: /^hosts: files dns; /,
    after: /^hosts: files; /,
  },
  { what: BUNDLE, files: { [BUNDLE]: undefined }, before: /^sha256 /, after: /^absent$/ },
  { what: CERTS, files: { [CERTS]: 'pem' }, before: /^absent$/, after: /^sha256 / },
  {
    what: '/usr/bin/gitlab-runner',
    files: { '/usr/bin/gitlab-runner': 'version 19.0' },
    before: /^10 bytes of /,
    after: /^12 bytes of /,
  },
  {
    what: 'routes',
    files: { '/proc/net/route': ROUTES.replace('010200C0', '020200C0') },
    before: /^0\.0\.0\.0\/0 via 192\.0\.2\.1 dev eth0$/,
    after: /^0\.0\.0\.0\/0 via 192\.0\.2\.2 dev eth0$/,
  },
  {
    what: 'runner process',
    process: { pid: 4711 },
    before: /^pid 812$/,
    after: /^pid 4711$/,
  },
  {
    what: 'proxy environment of the runner',
    process: { environment: { HTTPS_PROXY: 'http://me:secret@proxy:3128', HOME: '/x' } },
    before: /^none$/,
    after: /^HTTPS_PROXY=http:\/\/\[hidden\]@proxy:3128$/,
  },
  {
    what: 'certificate of https://gitlab.example.com/',
    serial: '0B',
    before: /^serial 0A, ends 2027-/,
    after: /^serial 0B, ends 2027-/,
  },
];

test.each(CHANGES)('a change of $what is seen, and of nothing else', async (change) => {
  await using root = await rootFolder({ [CERTS.replace('.crt', '.txt')]: '', ...FILES });
  const { rootfs } = root.paths;
  const paths = { ...root.paths, procfs: join(rootfs, 'proc') };
  const reader = new TraceReader(paths);
  const journal = new ChangeJournal();
  journal.update(await reader.read(snapshotWith(paths, processOf({}))), START);
  for (const [path, text] of Object.entries(change.files ?? {})) {
    if (text === undefined) await rm(join(rootfs, path));
    else await writeFile(join(rootfs, path), text);
  }
  const after = await reader.read(
    snapshotWith(paths, processOf(change.process ?? {}), change.serial),
  );

  expect(journal.update(after, START + 3000)).toMatchObject([
    {
      what: change.what,
      before: expect.stringMatching(change.before),
      after: expect.stringMatching(change.after),
    },
  ]);
});

test.each([
  [12, undefined],
  [13, true],
  [250, true],
])('a change of %i lines says whether these are all of them', async (count, isCut) => {
  await using root = await rootFolder({ ...FILES, [CONFIG]: '' });
  const reader = new TraceReader(root.paths);
  const journal = new ChangeJournal();
  journal.update(await reader.read(snapshotWith(root.paths, processOf({}))), START);
  const lines = Array.from({ length: count }, (_, index) => `concurrent = ${index}`);
  await writeFile(join(root.paths.rootfs, CONFIG), lines.join('\n'));
  const after = await reader.read(snapshotWith(root.paths, processOf({})));
  const [change] = journal.update(after, START + 3000);

  expect(change).toMatchObject({ what: CONFIG });
  expect(change?.isCut).toBe(isCut);
});

describe('a proxy with a login', () => {
  const passwords = ['KanaryOld', 'KanaryNew'];

  async function changesOf(words: readonly string[]) {
    await using root = await rootFolder(FILES);
    const reader = new TraceReader(root.paths);
    const journal = new ChangeJournal();
    const lists: (readonly JournalChange[])[] = [];
    for (const [index, word] of words.entries()) {
      const environment = { HTTPS_PROXY: `http://me:${word}@proxy:3128` };
      const traces = await reader.read(snapshotWith(root.paths, processOf({ environment })));
      lists.push(journal.update(traces, SINCE - 10_000 + index * 3000));
    }
    return lists.slice(1);
  }

  const AT_PROXY = snapshotOf(brokenAt('proxy', fail('auth-required')), { proxy: PROXY });
  const BROKEN = viewOf(AT_PROXY);
  const SINCE = BROKEN.diagnosis.causes[0]?.since ?? 0;

  function explain(changes: readonly JournalChange[]) {
    return withChanges(BROKEN, { changes: changes.toReversed() }).causes[0];
  }

  test('has another password: that is a change, told and taken back without any of the two', async () => {
    const changes = (await changesOf(passwords)).flat();
    const cause = explain(changes);

    expect(cause?.changedBefore).toMatchObject([
      {
        text: 'proxy environment of the runner: HTTPS_PROXY=http://[hidden]@proxy:3128 changed',
        explains: true,
      },
    ]);
    expect(cause?.fix[0]?.text).toMatch(/^Set HTTPS_PROXY of the runner back: /);
    const digests = changes.flatMap(({ removed = [], added = [] }) =>
      [...removed, ...added].map(({ key }) => key.replace(/^.*=/, '')),
    );
    expect(digests).toHaveLength(2);
    for (const secret of [...passwords, ...digests]) {
      expect(JSON.stringify(cause)).not.toContain(secret);
    }
    expect(JSON.stringify(changes)).not.toMatch(/Kanary/);
  });

  test('has its password again: nothing has changed', async () => {
    const changes = (await changesOf([...passwords, 'KanaryOld'])).flat();

    expect(changes).toHaveLength(2);
    expect(explain(changes)?.changedBefore).toBeUndefined();
  });

  test('keeps its password: nothing has changed', async () => {
    expect((await changesOf(['KanaryOld', 'KanaryOld'])).flat()).toEqual([]);
  });
});

/** Twelve, of which the last uses most memory. */
const PROCESSES = Object.fromEntries(
  Array.from({ length: 12 }, (_, index) => [
    `/proc/${index + 1}/stat`,
    `${index + 1} (worker) S 1 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0 7 0 12345 1000000 ${2500 + index} 0 0`,
  ]),
);

async function recordView(view: View): Promise<Incident> {
  await using root = await rootFolder({ ...FILES, ...PROCESSES });
  const recorder = new Recorder({
    clock: setClock(),
    paths: root.paths,
    onProblem: (problem) => expect.unreachable(problem),
    runnerLog: (runner) => [
      { at: runner === '' ? START : START - 1000, text: `said of ${runner || 'the process'}` },
    ],
  });
  await recorder.load();
  recorder.observe(view, transitionsBetween(undefined, view.diagnosis));
  await until(() => recorder.past().incidents.length === 1);
  const [incident] = recorder.past().incidents;
  return JSON.parse(recorder.incident(incident?.id ?? '') ?? '{}') as Incident;
}

describe('an incident', () => {
  const BROKEN = viewOf(snapshotOf(brokenAt('connect', fail('refused'))));

  test('has the runner’s own last lines, of the entries that it concerns and of the process, oldest first', async () => {
    expect((await recordView(BROKEN)).runnerLog).toEqual([
      '2026-11-24T08:59:59.000Z said of runnerAA1',
      '2026-11-24T08:59:59.000Z said of runnerAA2',
      '2026-11-24T09:00:00.000Z said of the process',
    ]);
  });

  test('says when the clock was set before it', async () => {
    const clockStep = { at: START - 120_000, seconds: -3600 };
    const { changes } = await recordView({ ...BROKEN, self: { ...BROKEN.self, clockStep } });

    expect(changes).toEqual([
      {
        at: '2026-11-24T08:58:00.000Z',
        secondsBefore: 60,
        what: 'clock of this host',
        before: '2026-11-24T09:58:00.000Z',
        after: '2026-11-24T08:58:00.000Z (set by −3600.0 s)',
      },
    ]);
  });

  test('has this host’s routes, and its processes by name alone', async () => {
    const { routes, processes } = await recordView(BROKEN);

    expect(routes).toEqual(['0.0.0.0/0 via 192.0.2.1 dev eth0']);
    expect(processes.byMemory.map(({ pid }) => pid)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
    expect(Object.keys(processes.byMemory[0] ?? {}).toSorted()).toEqual([
      'coreRatio',
      'name',
      'pid',
      'residentBytes',
      'state',
    ]);
  });
});
