/** What the runner says of its jobs. */
import { describe, expect, test } from 'vitest';

import { dataWith } from '../../src/core/finding-data.ts';
import type { EventKind, RunnerEvent } from '../../src/core/runner-event.ts';
import type { Cause } from '../../src/core/diagnosis.ts';
import { ALL_PROBES } from '../../src/cli/all-probes.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { HELD_JOB } from '../../src/runner/counters/job-list.ts';
import { RUNNING_JOBS } from '../../src/runner/log/line-data.ts';
import { START } from '../support/clock.ts';
import type { FindingSpec, World } from '../support/snapshots.ts';
import { allBackendsOf, DOCKER, fail, snapshotOf, warn } from '../support/snapshots.ts';
import { timesUntil, dataOfLine, showing, event, TALKING } from '../support/events.ts';

function causesOf(
  findings: Readonly<Record<string, FindingSpec>>,
  world: World = {},
): readonly Cause[] {
  return diagnose(snapshotOf(findings, { ...TALKING, ...world })).causes;
}

const of = (kind: EventKind, cause?: string, count = 2) =>
  event(kind, {
    runner: 'runnerAA1',
    times: timesUntil(60, count, 15),
    ...(cause === undefined ? {} : { cause }),
  });

describe('jobs that cannot be prepared', () => {
  test.each([
    'docker-registry-rate-limited',
    'docker-image-pull-failed',
    'docker-network-pool-exhausted',
    'docker-api-incompatible',
    'disk-docker-root-full',
  ])('%s is reported for the entry from the log of its jobs', (id) => {
    const { causes, verdict } = diagnose(
      snapshotOf({ 'runner-log': showing(of('not-prepared', id)) }, TALKING),
    );

    expect(causes).toMatchObject([
      { id, severity: 'warning', confidence: 'confirmed', scope: { runners: ['runnerAA1'] } },
    ]);
    expect(verdict).toBe('degraded');
  });

  test('once is only suspected', () => {
    const findings = { 'runner-log': showing(of('not-prepared', 'docker-image-pull-failed', 1)) };

    expect(causesOf(findings)).toMatchObject([{ confidence: 'suspected' }]);
  });

  test('by a Docker that is down are reported once, by the check of Docker', () => {
    const findings = {
      executor: fail('daemon-down'),
      'runner-log': showing(of('not-prepared', 'docker-daemon-down')),
    };

    expect(causesOf(findings).map(({ id }) => id)).toEqual(['docker-daemon-down']);
  });

  test('by a root that is full are reported once', () => {
    const findings = {
      executor: fail('root-full'),
      'runner-log': showing(of('not-prepared', 'disk-docker-root-full')),
    };

    expect(causesOf(findings).map(({ id }) => id)).toEqual(['disk-docker-root-full']);
  });

  test('by a quota that is used up are reported from their log, with the path', () => {
    const data = dataOfLine('Preparation failed: mkdir /builds/a: disk quota exceeded');
    const failure = { ...of('not-prepared', 'disk-space-exhausted'), data };

    expect(causesOf({ 'runner-log': showing(failure) })).toMatchObject([
      {
        id: 'disk-space-exhausted',
        severity: 'warning',
        summary: '/builds (jobs of docker-1) is out of quota.',
        scope: { runners: ['runnerAA1'] },
      },
    ]);
  });

  test('by a full disk without a path are those of a file system that they write to', () => {
    const failure = of('not-prepared', 'disk-space-exhausted');

    expect(causesOf({ 'runner-log': showing(failure) })[0]?.summary).toBe(
      'A file system that jobs of docker-1 write to is full.',
    );
  });

  test('by a full disk that its check sees are reported by the check', () => {
    const findings = {
      disk: fail('full'),
      'runner-log': showing(of('not-prepared', 'disk-space-exhausted')),
    };

    expect(causesOf(findings)).toMatchObject([{ id: 'disk-space-exhausted', scope: { id: '/' } }]);
  });

  test.each(['job-ended', 'job-failed', 'noted'] as const)('%s is a matter of the job', (kind) => {
    expect(causesOf({ 'runner-log': showing(of(kind)) })).toEqual([]);
  });
});

const failedJobs = (count: number) => of('jobs-failing', undefined, count);

describe('jobs that fail for no fault of their own', () => {
  const host = {
    id: 'unknown',
    severity: 'warning',
    confidence: 'confirmed',
    scope: { kind: 'runner', id: 'runnerAA1', runners: ['runnerAA1'] },
  };

  test('three times in a row are reported, with possible reasons', () => {
    const findings = { 'runner-log': showing(failedJobs(3)) };
    const { causes, candidates } = diagnose(snapshotOf(findings, TALKING));

    expect(causes).toMatchObject([host]);
    expect(causes[0]?.summary).toMatch(/^The last 3 jobs of .* all failed because of the system/);
    expect(candidates.map(({ id }) => id)).toContain('docker-daemon-down');
  });

  test('are named where their words name the cause', () => {
    const shell = of('jobs-failing', 'job-environment-failed', 3);

    expect(causesOf({ 'runner-log': showing(shell) })).toMatchObject([
      {
        ...host,
        id: 'job-environment-failed',
        summary: expect.stringMatching(/login shell of root/),
      },
    ]);
  });

  test('twice is an accident', () => {
    expect(causesOf({ 'runner-log': showing(failedJobs(2)) })).toEqual([]);
  });

  test.each([
    ['the executor', { executor: fail('daemon-down') }, 'docker-daemon-down'],
    [
      'the path',
      { 'connect@https://gitlab.example.com/': fail('refused') },
      'tcp-connection-refused',
    ],
  ])(
    'is accounted for by a fault of %s',
    (_what, more: Readonly<Record<string, FindingSpec>>, id) => {
      const findings = { 'runner-log': showing(failedJobs(5)), ...more };

      expect(causesOf(findings).map((cause) => cause.id)).toEqual([id]);
    },
  );

  test('is explained by a log line that proves a cause', () => {
    const args = of('not-prepared', 'docker-image-pull-failed');
    const findings = { 'runner-log': showing(failedJobs(5), args) };

    expect(causesOf(findings).map(({ id }) => id)).toEqual(['docker-image-pull-failed']);
  });
});

/** What the checks of this host can say beside the runner's log. */
const OF_THE_HOST = ALL_PROBES.filter(
  ({ id, kind }) =>
    ['host', 'mount', 'service', 'executor'].includes(kind) && !id.startsWith('runner-'),
).flatMap(({ id, reasons }) => Object.keys(reasons).map((reason) => [id, reason] as const));
const ELSEWHERE = '/home/gitlab-runner/builds';

/** Causes of the entry whose jobs fail, beside this finding; the executor check is one of another entry. */
function namedBeside(name: string, finding: FindingSpec, seen: RunnerEvent, over: World = {}) {
  const executors = {
    [ELSEWHERE]: ['runnerAA2'],
    ...allBackendsOf('runnerAA2'),
    [DOCKER]: ['runnerAA1'],
  };
  return causesOf({ 'runner-log': showing(seen), [name]: finding }, { executors, ...over })
    .filter(({ scope }) => scope.kind === 'runner')
    .map(({ id }) => id);
}

describe('the law: no notice, and no fault of another entry, hides jobs that fail', () => {
  const shell = of('jobs-failing', 'job-environment-failed', 6);

  test.each(OF_THE_HOST)('%s/%s', (probe, reason) => {
    expect(namedBeside(probe, warn(reason), shell)).toContain('job-environment-failed');
    expect(namedBeside(probe, warn(reason), failedJobs(6))).toContain('unknown');
    // Words that name the cause stand beside any fault.
    expect(namedBeside(probe, fail(reason), shell)).toContain('job-environment-failed');
  });

  test.each([
    ['the executor of another entry', 'executor', fail('daemon-down'), {}, ['unknown']],
    ['its own executor', `executor@${DOCKER}`, fail('daemon-down'), {}, []],
    ['a file system with logs alone', 'disk', fail('full'), { roles: ['/var/log'] }, ['unknown']],
    ['a file system of jobs', 'disk', fail('full'), {}, []],
    ['any file system that hangs', 'disk', fail('hung'), { roles: ['/var/log'] }, []],
    ['a limit of the process', 'limits', fail('files'), {}, []],
  ])('%s is at fault', (_what, name, finding, over, expected) => {
    expect(namedBeside(name, finding, failedJobs(6), over)).toEqual(expected);
  });
});

const heldSlot = (host: string) =>
  event('slot-held', {
    facts: { jobs: 1, job_url: `https://${host}/a/b/-/jobs/7` },
    data: dataWith(HELD_JOB, new URL(`https://${host}/a/b/-/jobs/7`)),
  });

describe('a job that has ended and keeps its slot', () => {
  test('is a notice for the entries of its GitLab while their path is open', () => {
    const findings = { 'runner-metrics': showing(heldSlot('gitlab.example.com')) };

    expect(causesOf(findings)).toMatchObject([
      { id: 'unknown', severity: 'notice', scope: { id: 'runnerAA1' } },
      { id: 'unknown', severity: 'notice', scope: { id: 'runnerAA2' } },
    ]);
  });

  test('is no cause at another GitLab, or while GitLab cannot be reached', () => {
    const broken = { 'connect@https://gitlab.example.com/': fail('refused') };

    expect(causesOf({ 'runner-metrics': showing(heldSlot('other.test')) })).toEqual([]);
    expect(
      causesOf({ 'runner-metrics': showing(heldSlot('gitlab.example.com')), ...broken }).map(
        ({ id }) => id,
      ),
    ).toEqual(['tcp-connection-refused']);
  });
});

describe('a job that is refused', () => {
  const refused = of('job-refused', 'job-rejected-by-server');

  test('by GitLab is information: a cancelled job is normal', () => {
    const { causes, verdict } = diagnose(snapshotOf({ 'runner-log': showing(refused) }, TALKING));

    expect(causes).toMatchObject([{ id: 'job-rejected-by-server', severity: 'info' }]);
    expect(verdict).toBe('healthy');
  });

  test('while the token is rejected is no further cause', () => {
    const findings = { 'runner-log': showing(refused), 'token@runnerAA1': fail('rejected') };

    expect(causesOf(findings).map(({ id }) => id)).toEqual(['token-rejected']);
  });

  test.each([
    [1, 'job-rejected-by-server'],
    [2, 'job-trace-blocked'],
  ])('by a server in front of GitLab, %i times, is %s', (count, id) => {
    const findings = { 'runner-log': showing(of('job-refused', 'job-trace-blocked', count)) };

    expect(causesOf(findings).map((cause) => cause.id)).toEqual([id]);
  });

  test.each([
    ['has no signature', {}, 'job-trace-blocked'],
    ['GitLab signs', { correlation_id: '01JABCDEFGHJKMNPQRSTVWXYZ0' }, 'job-rejected-by-server'],
    ['has the state of the job', { 'job-status': 'canceled' }, 'job-rejected-by-server'],
  ])(
    'again and again by an answer that %s',
    (_what, more: Readonly<Record<string, string>>, id) => {
      const fields = { status: '403 Forbidden', ...more };
      const data = dataOfLine('Appending trace to coordinator... job failed', fields);
      const refusal = { ...of('job-refused', 'job-rejected-by-server'), data };

      expect(causesOf({ 'runner-log': showing(refusal) }).map((cause) => cause.id)).toEqual([id]);
    },
  );
});

const builds = (count: number, lastAt: number) =>
  event('poll-worked', { runner: 'runnerAA1', lastAt, data: dataWith(RUNNING_JOBS, count) });

describe('no room for jobs', () => {
  test('by the counters is information', () => {
    const facts = { by: 'concurrent', jobs: 4, allowed: 4 };
    const findings = { 'runner-metrics': showing(event('at-capacity', { facts })) };

    expect(causesOf(findings)).toMatchObject([
      {
        id: 'jobs-capacity-saturated',
        severity: 'info',
        summary: '4 jobs run, and concurrent allows 4.',
        scope: { runners: ['runnerAA1', 'runnerAA2'] },
      },
    ]);
  });

  test('by the limit of an entry concerns that entry', () => {
    const facts = { by: 'limit', jobs: 1, allowed: 1 };
    const capacity = event('at-capacity', { runner: 'runnerAA2', facts });

    expect(causesOf({ 'runner-metrics': showing(capacity) })).toMatchObject([
      { scope: { id: 'runnerAA2', runners: ['runnerAA2'] } },
    ]);
  });

  const logOnly = { log: { kind: 'file', path: '/x' }, service: {} } as const;

  test('by the last line that says how many run', () => {
    const full = { 'runner-log': showing(builds(4, START - 60_000)) };

    expect(causesOf(full, { ...logOnly, concurrent: 4 }).map(({ id }) => id)).toEqual([
      'jobs-capacity-saturated',
    ]);
    expect(causesOf(full, { ...logOnly, concurrent: 5 })).toEqual([]);
    expect(causesOf(full, logOnly)).toEqual([]);
  });

  test('is over with a later line', () => {
    const freed = { ...builds(3, START - 1000), kind: 'noted' as const };
    const findings = { 'runner-log': showing(builds(4, START - 60_000), freed) };

    expect(causesOf(findings, { ...logOnly, concurrent: 4 })).toEqual([]);
  });
});
