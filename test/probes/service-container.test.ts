/** The runner's process, and what the engine says of its container. */
import { expect, test } from 'vitest';

import type { ContainerState } from '../../src/core/container-state.ts';
import type { Finding } from '../../src/core/finding.ts';
import { dateText } from '../../src/core/date-text.ts';
import { detailOf, reasonOf } from '../../src/core/finding.ts';
import type { Place } from '../../src/core/place.ts';
import type { ServiceTarget } from '../../src/core/target.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { createService } from '../../src/probes/service.ts';
import { setClock } from '../support/clock.ts';
import { BOOTED_SECONDS, PROC_STAT, procProcess } from '../support/proc-process.ts';
import { runProbe } from '../support/run-probe.ts';
import { startHost } from '../support/system-manager.ts';

const TARGET: ServiceTarget = { kind: 'service', id: 'docker:runner-a' };
const RUN = ['/usr/bin/gitlab-runner', 'run', '--config', PACKAGED_PLACE.files.config];
const STARTED_SECONDS = 1800;
const START = (BOOTED_SECONDS + 3600) * 1000;
const { unit: _unit, ...WITHOUT_UNIT } = PACKAGED_PLACE;

const END = {
  restarts: 0,
  exitCode: 1,
  isOutOfMemory: false,
  endedAt: START - 60_000,
  ranSeconds: 600,
  memoryBytes: undefined,
  lastLine: '\u001B[31;1mFATAL: no token glrt-KanaryKanaryKanary\u001B[0;m',
};
const RUNNING = { kind: 'running', restarts: 0, startedAt: 0, isHidden: false } as const;

/** The findings of one probe after another, a quarter of a minute apart. */
async function watch(
  states: readonly ContainerState[],
  isThere: boolean,
): Promise<readonly Finding[]> {
  const main = procProcess(4711, { args: RUN, startedSeconds: STARTED_SECONDS });
  await using root = await startHost({ ...PROC_STAT, ...(isThere ? main : {}) });
  const probe = createService();
  const findings: Finding[] = [];
  const clock = setClock(START);
  for (const state of states) {
    // A process of this stage is in no container.
    const paths = isThere ? root.paths : { ...root.paths, container: TARGET.id };
    const place = {
      ...WITHOUT_UNIT,
      id: TARGET.id,
      paths,
      container: {
        name: 'runner-a',
        isMade: false,
        socket: '/var/run/docker.sock',
        state: async () => await Promise.resolve(state),
        client: (words: string) => `sudo docker ${words}`,
      },
    };
    findings.push(await runProbe(probe, TARGET, { tools: { paths, place, clock } }));
    clock.advance(15);
  }
  return findings;
}

async function look(state: ContainerState, isThere = false): Promise<Finding> {
  const findings = await watch([state, state, state], isThere);
  return findings.at(-1) ?? { status: 'pass' };
}

test('a container that runs, with its runner, is well', async () => {
  expect(await look({ ...RUNNING, restarts: 7 }, true)).toMatchObject({
    status: 'pass',
    measures: { processes: 1, restarts: 7 },
    facts: { container: 'runner-a' },
  });
});

test('a container that has stopped says how, in a line that may be shown', async () => {
  const finding = await look({ kind: 'ended', ...END });

  expect(finding).toMatchObject({
    status: 'fail',
    reason: 'container-stopped',
    facts: {
      exit_code: 1,
      ended_at: dateText(START - 60_000),
      last_line: 'FATAL: no token [hidden]',
    },
  });
  expect(detailOf(finding)).toBe(
    'container runner-a has stopped, with exit code 1: FATAL: no token [hidden]',
  );
});

test.each<ContainerState>([
  { kind: 'created', why: 'mount:\n  token=glrt-abcdefghijklmnopqrst', createdAt: undefined },
  { kind: 'unhealthy', restarts: 0, said: 'mount:\n  token=glrt-abcdefghijklmnopqrst' },
])('what the engine says of one that is $kind is one line without secrets', async (state) => {
  const text = JSON.stringify(await look(state));

  expect(text).toContain('mount: token=');
  expect(text).not.toContain('abcdefghijklmnopqrst');
});

const OOM = { ...END, exitCode: 137, isOutOfMemory: true, memoryBytes: 1000 };

test.each<readonly [string, string, ContainerState]>([
  ['fail', 'container-out-of-memory', { kind: 'ended', ...OOM }],
  ['fail', 'container-out-of-memory', { kind: 'restarting', ...OOM, restarts: 1 }],
  ['fail', 'container-restart-loop', { kind: 'restarting', ...END, restarts: 3 }],
  // One restart is none of a loop.
  ['warn', 'restarting', { kind: 'restarting', ...END, restarts: 1 }],
  [
    'fail',
    'container-never-started',
    { kind: 'created', why: 'port is already allocated', createdAt: undefined },
  ],
  ['fail', 'container-removed', { kind: 'removed' }],
  ['fail', 'container-paused', { kind: 'paused' }],
  // Its entrypoint is still at work.
  ['warn', 'restarting', { ...RUNNING, startedAt: START }],
  // Docker lets one wait that ended soon after its starts.
  [
    'fail',
    'container-restart-loop',
    { ...RUNNING, startedAt: START, restarts: 6, waitedSeconds: 3.3 },
  ],
  ['warn', 'restarting', { ...RUNNING, startedAt: START, restarts: 5, waitedSeconds: 1.6 }],
  ['warn', 'restarting', { ...RUNNING, startedAt: START, restarts: 0, waitedSeconds: 60 }],
  ['fail', 'not-running', { ...RUNNING, startedAt: START - 90_000 }],
  ['unknown', 'processes-hidden', { ...RUNNING, isHidden: true }],
  ['fail', 'not-running', { kind: 'unseen', why: 'ENOENT' }],
])('without a process: %s, %s', async (status, reason, state) => {
  const finding = await look(state);

  expect([finding.status, reasonOf(finding)]).toEqual([status, reason]);
});

test.each<readonly [string, string | undefined, ContainerState]>([
  ['fail', 'container-paused', { kind: 'paused' }],
  ['warn', 'container-unhealthy', { kind: 'unhealthy', restarts: 0, said: 'no answer' }],
  // It has another name now, and its engine tells of none, or of another one.
  ['pass', undefined, { kind: 'removed' }],
  ['pass', undefined, { kind: 'ended', ...END }],
  ['pass', undefined, { kind: 'created', why: '', createdAt: undefined }],
  ['pass', undefined, { kind: 'unseen', why: 'EACCES' }],
])('beside a process: %s, %s', async (status, reason, state) => {
  const finding = await look(state, true);

  expect([finding.status, reasonOf(finding)]).toEqual([status, reason]);
});

test('three restarts by the engine within a quarter of an hour are a loop', async () => {
  const states = [5, 6, 7, 8].map((restarts) => ({ ...RUNNING, restarts, startedAt: START }));
  const findings = await watch(states, false);

  expect(findings.map((finding) => reasonOf(finding))).toEqual([
    'restarting',
    'restarting',
    'restarting',
    'container-restart-loop',
  ]);
});

test.each<ContainerState>([
  { kind: 'ended', ...END, endedAt: START - 5000 },
  { kind: 'removed' },
  { kind: 'created', why: '', createdAt: undefined },
  { kind: 'created', why: '', createdAt: START - 5000 },
])(
  'what a person who restarts it, or makes it anew, leaves for a moment is no fault: %j',
  async (state) => {
    const [first] = await watch([state], false);

    expect([first?.status, first && reasonOf(first)]).toEqual(['warn', 'restarting']);
  },
);

test.each<readonly [string, ContainerState]>([
  ['container-stopped', { kind: 'ended', ...END }],
  ['container-never-started', { kind: 'created', why: '', createdAt: START - 60_000 }],
])('what is so since long before the first look is a fault at once: %s', async (reason, state) => {
  const [first] = await watch([state], false);

  expect(first && reasonOf(first)).toBe(reason);
});

test('podman starts it again at once, so that an end may be all that is seen of a loop', async () => {
  const states = [0, 1, 2, 3].map((restarts, index) => {
    const endedAt = START + index * 15_000 - 500;
    return { kind: 'ended', ...END, endedAt, restarts } as const;
  });
  const findings = await watch(states, false);

  expect(findings.map((finding) => reasonOf(finding))).toEqual([
    'restarting',
    'restarting',
    'restarting',
    'container-restart-loop',
  ]);
});

test.each([
  ['container-restart-loop', 1, 3],
  ['restarting', 1, 2],
  // It has been started again before, and ran well since.
  ['restarting', 3600, 3],
])('one look at an end: %s after %d s and %d restarts', async (reason, ranSeconds, restarts) => {
  const endedAt = START - 500;
  const [first] = await watch([{ kind: 'ended', ...END, endedAt, ranSeconds, restarts }], false);

  expect(first && reasonOf(first)).toBe(reason);
});

test('without an engine that can tell, a container that is gone may have been replaced', async () => {
  await using root = await startHost(PROC_STAT);
  const paths = { ...root.paths, container: TARGET.id };
  const clock = setClock(START);
  const probe = createService();
  const lookAt = async (over: Partial<Place>): Promise<Finding> => {
    const place: Place = { ...WITHOUT_UNIT, id: TARGET.id, paths, ...over };
    return await runProbe(probe, TARGET, { tools: { paths, place, clock } });
  };
  const first = await lookAt({ mayBeReplaced: true });
  clock.advance(30);
  const later = await lookAt({ mayBeReplaced: true });
  // A folder that is a root has the same name for whatever is started in it.
  const named = await lookAt({});

  expect([first.status, reasonOf(first)]).toEqual(['warn', 'restarting']);
  expect([later.status, reasonOf(later)]).toEqual(['unknown', 'stopped-or-replaced']);
  expect([named.status, reasonOf(named)]).toEqual(['fail', 'not-running']);
});
