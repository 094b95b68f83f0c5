/** The probe's verdict on every reading that config/ can give. */
import { describe, expect, test } from 'vitest';

import type { Place } from '../../src/core/place.ts';
import type { Problem, RunnerConfigReading } from '../../src/core/reading.ts';
import type { ConfigTarget } from '../../src/core/target.ts';
import { reasonOf } from '../../src/core/finding.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { config, createConfig } from '../../src/probes/config.ts';
import { setClock } from '../support/clock.ts';
import { PROC_STAT, procProcess } from '../support/proc-process.ts';
import { runProbe } from '../support/run-probe.ts';
import { startHost } from '../support/system-manager.ts';

const FILE = '/etc/gitlab-runner/config.toml';

function target(over: Partial<RunnerConfigReading> = {}): ConfigTarget {
  return {
    kind: 'config',
    id: FILE,
    reading: { path: FILE, foundBy: 'process-argument', readAt: 0, problems: [], ...over },
  };
}

const problem = (over: Partial<Problem> = {}): Problem => ({
  code: 'type-error',
  file: FILE,
  line: 12,
  column: 8,
  message: 'runners.docker.cpus must be a string, but line 12 has an integer',
  fix: 'Write `cpus = "2"`.',
  ...over,
});

describe('entries in another usual place', () => {
  const MEANT = '/home/gitlab-runner/.gitlab-runner/config.toml';
  const WORDS = ['gitlab-runner', 'run', '--config'];
  const reading = target({ runnerCount: 0 });

  async function runOnce(
    wanted: ConfigTarget,
    processes: Readonly<Record<number, string>>,
    entries = '[[runners]]\n',
  ) {
    const found = Object.entries(processes).map(([pid, file]) =>
      procProcess(Number(pid), { args: [...WORDS, file] }),
    );
    const files = Object.assign({}, PROC_STAT, { [MEANT]: entries }, ...found);
    await using root = await startHost(files);
    return await runProbe(config, wanted, { tools: { paths: root.paths } });
  }

  test.each([
    ['a file that is not there', target({ problems: [problem({ code: 'missing' })] })],
    ['an empty file', target({ problems: [problem({ code: 'empty' })] })],
    ['a file without entries', reading],
  ])('are meant where the process runs on %s', async (_what, wanted) => {
    expect(await runOnce(wanted, { 7: FILE })).toMatchObject({
      status: 'fail',
      reason: 'entries-elsewhere',
      detail: `the runner reads ${FILE} (from the runner's command line), which has no runner entry; ${MEANT} has some, but no process reads it`,
      facts: { read: FILE, meant: MEANT },
    });
  });

  test.each([
    ['another process reads them', { 7: FILE, 8: MEANT }, '[[runners]]\n'],
    ['no process runs on ours', {}, '[[runners]]\n'],
    ['there are none', { 7: FILE }, '# [[runners]]\n'],
  ])('are not meant where %s', async (_when, processes, entries) => {
    expect(await runOnce(reading, processes, entries)).toMatchObject({ reason: 'no-runners' });
  });
});

test('a file that loads and has entries passes', async () => {
  expect(await runProbe(config, target({ runnerCount: 3, concurrent: 4 }))).toEqual({
    status: 'pass',
    measures: { problems: 0, runners: 3 },
    facts: { file: FILE, problems: 0, found_by: 'process-argument' },
  });
});

test.each([
  [true, `another file has taken the place of /srv/config.toml on the host`, true],
  [false, `/srv/config.toml is gone from the host`, undefined],
])('a file that is not the one on the host warns', async (isThere, says, fact) => {
  const place: Place = {
    ...PACKAGED_PLACE,
    replacedOnHost: async () => await Promise.resolve({ source: '/srv/config.toml', isThere }),
  };
  const finding = await runProbe(config, target({ runnerCount: 1 }), { tools: { place } });

  expect(finding).toMatchObject({
    status: 'warn',
    reason: 'replaced-on-host',
    detail: expect.stringContaining(says),
  });
  expect(finding.facts?.['is_there']).toBe(fact);
  expect(finding.facts?.['mounted_file']).toBe('/srv/config.toml');
});

test('the first problem is shown with its place and what to write', async () => {
  const parts = {
    key: 'runners.docker.cpus',
    expected: 'string',
    found: 'integer',
    corrected: 'cpus = "2"',
  };

  expect(
    await runProbe(config, target({ problems: [problem(parts), problem({ line: 13 })] })),
  ).toEqual({
    status: 'fail',
    reason: 'type-error',
    detail: `${FILE}:12:8: runners.docker.cpus must be a string, but line 12 has an integer (and 1 more). Write \`cpus = "2"\`.`,
    measures: { problems: 2 },
    facts: {
      file: FILE,
      line: 12,
      column: 8,
      ...parts,
      fix: 'Write `cpus = "2"`.',
      problems: 2,
      found_by: 'process-argument',
    },
  });
});

test.each([
  ['missing', 'fail'],
  ['not-a-file', 'fail'],
  ['empty', 'fail'],
  ['syntax-error', 'fail'],
  ['type-error', 'fail'],
  ['invalid-value', 'fail'],
  ['concurrent-zero', 'fail'],
  ['unreadable', 'unknown'],
  ['too-large', 'unknown'],
])('%s is %s', async (code, status) => {
  const { line: _line, column: _column, ...whole } = problem({ code, message: `${FILE} is wrong` });

  expect(await runProbe(config, target({ problems: [whole] }))).toMatchObject({
    status,
    reason: code,
    detail: `${FILE} is wrong. Write \`cpus = "2"\`.`,
  });
});

test.each([
  ['flag', 'from --runner.config'],
  ['process-argument', "from the runner's command line"],
  ['process-environment', "from CONFIG_FILE in the runner's environment"],
  ['default', 'default path'],
] as const)('a file without entries fails and says how it was found: %s', async (foundBy, how) => {
  expect(await runProbe(config, target({ runnerCount: 0, foundBy }))).toMatchObject({
    status: 'fail',
    reason: 'no-runners',
    detail: `${FILE} (${how}) has no [[runners]], so this runner takes no jobs`,
  });
});

describe('a file that gets its entry by a registration before the runner starts', () => {
  const PLACE = { ...PACKAGED_PLACE, registersItself: true } as const;
  const MINUTE_SECONDS = 60;

  /** What is said of these readings, four minutes apart. */
  async function reasonsOf(readings: readonly ConfigTarget[]) {
    const probe = createConfig();
    const clock = setClock(0);
    const reasons: unknown[] = [];
    for (const reading of readings) {
      const finding = await runProbe(probe, reading, { tools: { place: PLACE, clock } });
      reasons.push(reasonOf(finding));
      clock.advance(4 * MINUTE_SECONDS);
    }
    return reasons;
  }

  const waits = target({ runnerCount: 0 });

  test.each([
    ['has no entry', waits],
    ['is not there', target({ problems: [problem({ code: 'missing' })] })],
    ['is empty', target({ problems: [problem({ code: 'empty' })] })],
  ])('one that %s is waited for, but not for ever', async (_title, reading) => {
    expect(await reasonsOf([reading, reading, reading, reading])).toEqual([
      'waiting-for-registration',
      'waiting-for-registration',
      'waiting-for-registration',
      'not-registered',
    ]);
  });

  test('each start of the container waits anew', async () => {
    const has = target({ runnerCount: 1 });
    expect(await reasonsOf([waits, waits, waits, has, waits])).toEqual([
      ...Array.from({ length: 3 }, () => 'waiting-for-registration'),
      undefined,
      'waiting-for-registration',
    ]);
  });

  test('a file that does not load is a fault at once', async () => {
    expect(await reasonsOf([target({ problems: [problem()] })])).toEqual(['type-error']);
  });
});
