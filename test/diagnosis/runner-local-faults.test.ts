/** What this host refuses to the runner is a cause wherever the runner says it, with the runner's own words. */
import { describe, expect, test } from 'vitest';

import type { EventKind, RunnerEvent } from '../../src/core/runner-event.ts';
import type { Cause } from '../../src/core/diagnosis.ts';
import type { RunnerTarget } from '../../src/core/target.ts';
import { MISSING_FACT } from '../../src/diagnosis/cause-spec.ts';
import { EXECUTORS } from '../../src/config/runner/executors.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { causeSpec } from '../../src/diagnosis/catalogue/index.ts';
import { classify } from '../../src/runner/log/classify.ts';
import { dataWith } from '../../src/core/finding-data.ts';
import { IS_DATED } from '../../src/runner/log/line-data.ts';
import { LOCAL_FAULT_CAUSES } from '../../src/runner/log/local-fault-fragments.ts';
import { START } from '../support/clock.ts';
import { event, showing, TALKING } from '../support/events.ts';
import type { FindingSpec, World } from '../support/snapshots.ts';
import { DOCKER, fail, runner, RUNNER_PROCESS, snapshotOf, warn } from '../support/snapshots.ts';

function causesOf(
  findings: Readonly<Record<string, FindingSpec>>,
  world: World = {},
): readonly Cause[] {
  return diagnose(snapshotOf(findings, { ...TALKING, ...world })).causes;
}

/** An event as the log's reader makes it of this line. */
function failureOf(message: string, over: Partial<RunnerEvent> = {}): RunnerEvent {
  const line = classify({ level: 'error', message, fields: { runner: 'runnerAA1' } });
  if (line === undefined) throw new Error(`the runner does not say ${message}`);
  return event(line.kind, { ...line, count: 2, lastAt: START - 5000, ...over });
}

const KINDS: readonly EventKind[] = ['poll-failed', 'not-prepared', 'job-connection'];

describe.each(KINDS)('in an event of the kind %s', (kind) => {
  test.each([...LOCAL_FAULT_CAUSES])('%s is named once, and quoted', (id) => {
    const reason = 'the words of the runner';
    const facts = { reason, path: '/x', program: 'su', registry: 'r.test', resource: 'pods' };
    const one = event(kind, {
      runner: 'runnerAA1',
      cause: id,
      facts,
      times: [START - 30_000, START],
    });
    const causes = causesOf({ 'runner-log': showing(one) }, { runners: writersOf(id) });

    expect(causes).toMatchObject([{ id, confidence: 'confirmed' }]);
    expect(causes[0]?.summary).toMatch(/: "the words of the runner"\.$/);
    expect(JSON.stringify(causes)).not.toContain(MISSING_FACT);
  });
});

test('what hinders jobs alone is not critical: the runner polls', () => {
  const line = failureOf('Job failed (system failure): pipe2: too many open files');

  expect(causesOf({ 'runner-log': showing(line) })).toMatchObject([
    {
      id: 'fd-limit-reached',
      severity: 'warning',
      scope: { runners: ['runnerAA1', 'runnerAA2'] },
      summary:
        'The runner has reached its limit of open files and connections: "pipe2: too many open files".',
    },
  ]);
});

test('one fault in several kinds of lines is one cause, as severe as the worst of them', () => {
  const job = failureOf('Job failed (system failure): pipe2: too many open files');
  const poll = failureOf('Checking for jobs... failed: socket: too many open files', {
    firstAt: START - 30_000,
  });
  const causes = causesOf({ 'runner-log': showing(job, poll) });

  expect(causes).toMatchObject([{ id: 'fd-limit-reached', severity: 'critical' }]);
  expect(causes[0]?.evidence).toHaveLength(2);
});

test.each([...LOCAL_FAULT_CAUSES])(
  'one failed poll by %s breaks nothing: the next may work',
  (id) => {
    const facts = { reason: 'the words of the runner', path: '/x', program: 'su' };
    const named = { registry: 'r.test', resource: 'pods' };
    const one = event('poll-failed', {
      runner: 'runnerAA1',
      lastAt: START,
      cause: id,
      facts: { ...facts, ...named },
    });
    const world = { ...TALKING, runners: writersOf(id) };
    const { verdict, causes } = diagnose(snapshotOf({ 'runner-log': showing(one) }, world));

    expect(causes).toMatchObject([{ id, confidence: 'suspected' }]);
    expect(causes[0]?.severity).not.toBe('critical');
    expect(verdict).toBe('degraded');
  },
);

test('a single line is only suspected', () => {
  const line = failureOf('Preparation failed: mkdir /srv/b/x: permission denied', { count: 1 });

  expect(causesOf({ 'runner-log': showing(line) })).toMatchObject([
    { id: 'runner-permission-denied', confidence: 'suspected' },
  ]);
});

describe('it is over', () => {
  const line = failureOf('Preparation failed: mkdir /builds/x: no space left on device', {
    lastAt: START - 120_000,
  });

  test('with a new process', () => {
    const process = { ...RUNNER_PROCESS, startedAt: START - 60_000 };

    expect(causesOf({ 'runner-log': showing(line) }, { process })).toEqual([]);
  });

  test.each([
    ['with a date of its own, counts', true, 1],
    ['dated by its reading, may be of the process before', false, 0],
  ])('not for a line half a second after the start that, %s', (_how, isDated, count) => {
    const process = { ...RUNNER_PROCESS, startedAt: START - 60_000 };
    const early = {
      ...line,
      lastAt: START - 59_500,
      data: { ...line.data, ...(isDated ? dataWith(IS_DATED, true) : {}) },
    };

    expect(causesOf({ 'runner-log': showing(early) }, { process })).toHaveLength(count);
  });

  test('when Docker answers again', () => {
    const down = failureOf('Preparation failed: Cannot connect to the Docker daemon at unix:///x');

    expect(causesOf({ 'runner-log': showing({ ...down, lastAt: START - 60_000 }) })).toEqual([]);
  });

  test('not by a check that has passed all along: it does not see this file system', () => {
    expect(causesOf({ 'runner-log': showing(line), disk: { status: 'pass' } })).toMatchObject([
      { id: 'disk-space-exhausted', scope: { id: '/builds' } },
    ]);
  });
});

const namesOf = (findings: Readonly<Record<string, FindingSpec>>, over: World) =>
  new Set(causesOf(findings, over).map(({ id, scope }) => `${id} ${scope.runners.join(' ')}`));

const recovered = (id: string): FindingSpec => ({
  finding: { status: 'pass' },
  since: START - 30_000,
  recent: [
    { check: `disk@${id}`, startedAt: START - 60_000, durationSeconds: 0, finding: fail('full') },
  ],
});

describe('what is seen elsewhere', () => {
  const OTHER = '/home/gitlab-runner/builds';
  const world = { executors: { [DOCKER]: ['runnerAA1'], [OTHER]: ['runnerAA2'] } };
  const down = failureOf('Preparation failed: Cannot connect to the Docker daemon at unix:///x', {
    lastAt: START - 60_000,
  });
  const unseen = { status: 'unknown', reason: 'not-examined', detail: 'no right' } as const;
  test('the executor of another entry passes: the fault of this one lasts', () => {
    const findings = { 'runner-log': showing(down), [`executor@${DOCKER}`]: unseen };

    expect(namesOf(findings, world)).toEqual(new Set(['docker-daemon-down runnerAA1']));
  });

  test('the executor of another entry has the same fault: each is named', () => {
    const findings = {
      'runner-log': showing(down),
      [`executor@${DOCKER}`]: unseen,
      [`executor@${OTHER}`]: fail('daemon-down'),
    };

    expect(namesOf(findings, world)).toEqual(
      new Set(['docker-daemon-down runnerAA1', 'docker-daemon-down runnerAA2']),
    );
  });

  const full = failureOf('Preparation failed: mkdir /builds/x: no space left on device', {
    lastAt: START - 120_000,
  });
  const mounts = { mounts: ['/', '/builds', '/cache'] };

  test.each([
    ['the file system that the line names', '/builds', 0],
    ['another one', '/cache', 1],
    ['the one that it is mounted on', '/', 1],
  ])('%s has room again', (_what, id, count) => {
    const findings = { 'runner-log': showing(full), [`disk@${id}`]: recovered(id) };

    expect(causesOf(findings, mounts)).toHaveLength(count);
  });

  test.each([
    ['another file system is nearly full', warn('nearly-full'), 2],
    ['another one is full: the path may be of a container', fail('full'), 1],
  ])('%s', (_what, finding, count) => {
    const findings = { 'runner-log': showing(full), 'disk@/cache': finding };

    expect(causesOf(findings, mounts)).toHaveLength(count);
  });

  test('a file system has room again, and the line names none', () => {
    const unnamed = failureOf('Preparation failed: no space left on device', {
      lastAt: START - 120_000,
    });

    expect(causesOf({ 'runner-log': showing(unnamed), 'disk@/': recovered('/') })).toHaveLength(1);
  });
});

/** Which executors write such a line, by the sources of the runner; all others of any executor. */
const DOCKER_FAMILY = ['docker', 'docker-windows', 'docker-autoscaler', 'docker+machine'];
const WRITTEN_BY: Readonly<Record<string, readonly string[]>> = {
  'docker-not-responding': DOCKER_FAMILY,
  'docker-daemon-down': DOCKER_FAMILY,
  'docker-socket-permission': DOCKER_FAMILY,
  'docker-api-incompatible': DOCKER_FAMILY,
  'docker-network-pool-exhausted': DOCKER_FAMILY,
  'disk-docker-root-full': [...DOCKER_FAMILY, 'kubernetes'],
  'docker-runtime-failed': [...DOCKER_FAMILY, 'kubernetes'],
  'docker-image-pull-failed': [...DOCKER_FAMILY, 'kubernetes'],
  'docker-registry-rate-limited': [...DOCKER_FAMILY, 'kubernetes'],
  'docker-registry-unreachable': [...DOCKER_FAMILY, 'kubernetes'],
  'kubernetes-pod-pending': ['kubernetes'],
};

/** Two entries whose runner can write the line of this cause. */
function writersOf(cause: string): readonly RunnerTarget[] {
  const [executor = 'docker'] = WRITTEN_BY[cause] ?? [];
  return [runner('runnerAA1', { executor }), runner('runnerAA2', { executor })];
}

describe.each(EXECUTORS)('of an entry with the executor %s', (executor) => {
  const runners = [runner('runnerAA0', { executor: 'shell' }), runner('runnerAA1', { executor })];
  const facts = { reason: 'the words', path: '/x', program: 'su', resource: 'pods', registry: 'r' };
  const causesOfLine = (cause: string, over: Partial<RunnerEvent>) => {
    const seen = event('not-prepared', { cause, facts, times: [START - 30_000, START], ...over });
    return causesOf({ 'runner-log': showing(seen) }, { runners, executors: {} });
  };

  test.each([...LOCAL_FAULT_CAUSES])('%s is named where its runner writes that line', (id) => {
    const isWritten = WRITTEN_BY[id]?.includes(executor) !== false;
    const causes = causesOfLine(id, { runner: 'runnerAA1' });

    expect(causes.map((cause) => cause.id)).toEqual(isWritten ? [id] : []);
    expect(JSON.stringify(causes)).not.toContain(MISSING_FACT);
  });

  test.each(Object.keys(WRITTEN_BY).filter((id) => WRITTEN_BY[id]?.includes(executor)))(
    'the fix of %s is one of the place where its jobs run',
    (id) => {
      // A line that names no entry is of those that can write it.
      for (const over of [{ runner: 'runnerAA1' }, {}]) {
        const [cause] = causesOfLine(id, over);
        const commands = cause?.fix.flatMap(({ command = '' }) => command).join('\n') ?? '';

        expect(cause?.scope.runners).toEqual(['runnerAA1']);
        expect(commands).not.toMatch(/-H '?(?:the |kubernetes|fleeting)/);
        expect(executor === 'kubernetes' && /docker /.test(JSON.stringify(cause?.fix))).toBe(false);
        expect(/runners\.(?!docker|kubernetes)/.test(commands)).toBe(false);
        expect(commands.includes('[runners.docker]') && executor === 'kubernetes').toBe(false);
      }
    },
  );
});

test.each([
  [
    'WARNING: Job failed: prepare environment: waiting for pod running: pulling image "r.test/a:1" for container build: image pull failed: Back-off pulling image "r.test/a:1"',
    'docker-image-pull-failed',
  ],
  [
    'Job failed (system failure): prepare environment: waiting for pod running: pulling image "a:1" for container build: image pull failed: rpc error: code = Unknown desc = failed to pull and unpack image "docker.io/library/a:1": failed to copy: httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/library/a/manifests/1: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.',
    'docker-registry-rate-limited',
  ],
  [
    'Job failed (system failure): prepare environment: waiting for pod running: pulling image "r.test/a:1" for container build: image pull failed: rpc error: code = Unknown desc = failed to pull and unpack image "r.test/a:1": failed to resolve reference "r.test/a:1": failed to do request: Head "https://r.test/v2/a/manifests/1": dial tcp: lookup r.test: no such host',
    'docker-registry-unreachable',
  ],
])('the pods of Kubernetes: %s', (message, id) => {
  const line = failureOf(message.replace('WARNING: ', ''), { firstAt: START - 60_000 });
  const runners = [runner('runnerAA1', { executor: 'kubernetes' })];

  expect(causesOf({ 'runner-log': showing(line) }, { runners, executors: {} })).toMatchObject([
    { id, confidence: 'confirmed' },
  ]);
});

test('a machine that cannot be started concerns every entry, since its line names none', () => {
  const facts = { reason: 'exec: "docker-machine": executable file not found in $PATH' };
  const one = event('not-prepared', {
    cause: 'runner-program-missing',
    facts: { ...facts, program: 'docker-machine' },
    count: 2,
  });

  expect(causesOf({ 'runner-log': showing(one) })).toMatchObject([
    { id: 'runner-program-missing', scope: { runners: ['runnerAA1', 'runnerAA2'] } },
  ]);
});

test.each([...LOCAL_FAULT_CAUSES])(
  'a start that fails by %s is critical, and named by it',
  (id) => {
    const facts = {
      reason: 'the words',
      path: '/x',
      program: 'su',
      registry: 'r',
      resource: 'pods',
    };
    const fatal = event('fatal', { cause: id, facts, count: 3 });
    const causes = causesOf(
      { 'runner-log': showing(fatal), service: fail('failed') },
      { process: undefined },
    );

    expect(causes).toMatchObject([{ id, severity: 'critical' }]);
    expect(causes[0]?.summary).toContain('"the words"');
    expect(causeSpec(id)).toBeDefined();
  },
);
