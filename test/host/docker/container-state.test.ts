/** The answers of Docker 20.10 and podman 4.3 about a container in each state, behind a real socket. */
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { ContainerState } from '../../../src/core/container-state.ts';
import { readContainerState } from '../../../src/host/docker/container-state.ts';
import { rootFolder } from '../../support/dns-server.ts';
import type { DockerScript } from '../../support/docker-stand-in.ts';
import { startDockerServer } from '../../support/docker-stand-in.ts';

const SOCKET = '/run/docker.sock';
const NAME = 'gitlab-runner';
const NEVER = '0001-01-01T00:00:00Z';
const ENDED = '2026-11-30T12:00:05.25Z';
const LOG = Buffer.from(
  '2026-11-30T12:00:04Z FATAL: one\n2026-11-30T12:00:05Z FATAL: two\n2026-11-30T12:00:05Z \n',
);

const UNREADABLE = {
  status: 501,
  message: 'configured logging driver does not support reading',
};

async function stateWith(says: DockerScript | undefined): Promise<ContainerState> {
  await using root = await rootFolder({ '/run/x': '', '/proc/4712/stat': '' });
  await using stack = new AsyncDisposableStack();
  if (says !== undefined) stack.use(await startDockerServer(says, join(root.paths.rootfs, SOCKET)));
  const connection = { address: { kind: 'socket', path: SOCKET }, paths: root.paths } as const;
  return await readContainerState(connection, NAME, AbortSignal.timeout(10_000));
}

async function stateOf(
  state: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
): Promise<ContainerState> {
  const about = { State: { ExitCode: 0, OOMKilled: false, FinishedAt: NEVER, ...state }, ...more };
  return await stateWith({ inspected: { [NAME]: about }, log: () => LOG });
}

const OVER = { endedAt: Date.parse(ENDED), memoryBytes: undefined, lastLine: 'FATAL: two' };

test('it runs, and has been started again twice', async () => {
  const StartedAt = '2026-11-30T12:00:00Z';

  expect(await stateOf({ Status: 'running', StartedAt }, { RestartCount: 2 })).toEqual({
    kind: 'running',
    restarts: 2,
    startedAt: Date.parse(StartedAt),
    isHidden: false,
  });
});

test('its engine waited before it started it again', async () => {
  const times = { FinishedAt: '2026-11-30T11:59:58.4Z', StartedAt: '2026-11-30T12:00:00Z' };

  expect(await stateOf({ Status: 'running', ...times })).toMatchObject({ waitedSeconds: 1.6 });
});

test.each([
  [true, 4711],
  [false, 4712],
  [false, 0],
])('that its processes are hidden is %s, as /proc has one', async (isHidden, Pid) => {
  expect(await stateOf({ Status: 'running', Pid })).toMatchObject({ isHidden });
});

test('podman has an empty health where there is no check', async () => {
  const Health = { Status: '', FailingStreak: 0, Log: null };

  expect(await stateOf({ Status: 'running', Health })).toMatchObject({ kind: 'running' });
});

test('its own check fails, and says why', async () => {
  const Log = [{ Output: 'old' }, { Output: 'no answer\n' }];

  expect(await stateOf({ Status: 'running', Health: { Status: 'unhealthy', Log } })).toEqual({
    kind: 'unhealthy',
    restarts: 0,
    said: 'no answer',
  });
});

test('one that has ended has its exit code, and the last line that is not empty', async () => {
  const state = { Status: 'exited', ExitCode: 1, FinishedAt: ENDED };

  expect(await stateOf(state)).toEqual({
    kind: 'ended',
    restarts: 0,
    exitCode: 1,
    isOutOfMemory: false,
    ...OVER,
  });
});

test('one that was killed for memory has its limit', async () => {
  const state = { Status: 'exited', ExitCode: 137, OOMKilled: true, FinishedAt: ENDED };

  expect(await stateOf(state, { HostConfig: { Memory: 1000 } })).toEqual({
    kind: 'ended',
    restarts: 0,
    exitCode: 137,
    isOutOfMemory: true,
    ...OVER,
    memoryBytes: 1000,
  });
});

test('between two starts it is "running" to Docker as well', async () => {
  const state = { Status: 'restarting', Running: true, ExitCode: 1, FinishedAt: ENDED };

  expect(await stateOf(state, { RestartCount: 4 })).toEqual({
    kind: 'restarting',
    restarts: 4,
    exitCode: 1,
    isOutOfMemory: false,
    ...OVER,
  });
});

test.each([
  [{ Status: 'paused', Running: true }, { kind: 'paused' }],
  [{ Status: 'created' }, { kind: 'created', why: '' }],
  [{ Status: 'configured' }, { kind: 'created', why: '' }],
  [
    { Status: 'created', Error: 'port is already allocated' },
    { kind: 'created', why: 'port is already allocated' },
  ],
])('%j is %j', async (state, expected) => {
  expect(await stateOf(state)).toEqual(expected);
});

test('a log that cannot be read hides no end', async () => {
  const about = { State: { Status: 'exited', ExitCode: 2, FinishedAt: ENDED } };

  expect(await stateWith({ inspected: { [NAME]: about }, log: () => UNREADABLE })).toMatchObject({
    kind: 'ended',
    exitCode: 2,
    lastLine: undefined,
  });
});

test('the engine does not know it', async () => {
  expect(await stateWith({ inspected: { other: {} } })).toEqual({ kind: 'removed' });
});

test('an engine that is not there, or returns an error, says nothing of the container', async () => {
  const path = `/containers/${NAME}/json`;

  expect(await stateWith(undefined)).toEqual({ kind: 'unseen', why: 'ENOENT' });
  expect(await stateWith({ instead: { [path]: { status: 500, message: 'x' } } })).toMatchObject({
    kind: 'unseen',
  });
});
