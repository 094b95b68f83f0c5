/**
 * The state of a container, from `GET /containers/NAME/json`; of one that has ended also its last line. Docker and
 * podman answer alike. A container that is about to be started again is "running" to Docker as well.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { deadlineOf } from '../../core/abort.ts';
import type { Instant } from '../../core/clock.ts';
import type { ContainerEnd, ContainerState } from '../../core/container-state.ts';
import { errnoText } from '../../core/errno.ts';
import type { Paths } from '../../core/paths.ts';
import type { DockerConnection } from './api.ts';
import { DockerApi } from './api.ts';
import { readContainerLog } from './container-log.ts';

const ANSWER_SECONDS = 3;
const MAX_TEXT = 300;
/** Some lines may be empty. */
const LAST_LINES = 5;

interface Inspected {
  readonly Created?: unknown;
  readonly RestartCount?: unknown;
  readonly HostConfig?: { readonly Memory?: unknown };
  readonly State?: {
    readonly Status?: unknown;
    readonly ExitCode?: unknown;
    readonly OOMKilled?: unknown;
    readonly Error?: unknown;
    readonly Pid?: unknown;
    readonly StartedAt?: unknown;
    readonly FinishedAt?: unknown;
    readonly Health?: {
      readonly Status?: unknown;
      readonly Log?: readonly { readonly Output?: unknown }[] | null;
    } | null;
  };
}

/** Never rejects. */
export async function readContainerState(
  connection: DockerConnection,
  name: string,
  signal: AbortSignal,
): Promise<ContainerState> {
  using deadline = deadlineOf(ANSWER_SECONDS, signal);
  try {
    const path = `/containers/${encodeURIComponent(name)}/json`;
    const { status, body } = await new DockerApi(connection).get(path, deadline.signal);
    if (status === 404) return { kind: 'removed' };
    if (status !== 200) return { kind: 'unseen', why: `${status}: ${body.slice(0, MAX_TEXT)}` };
    const state = stateOf(JSON.parse(body) as Inspected, connection.paths);
    if (state.kind !== 'ended' && state.kind !== 'restarting') return state;
    return { ...state, lastLine: await lastLineOf(connection, name, deadline.signal) };
  } catch (error) {
    const isLate = deadline.signal.aborted;
    return { kind: 'unseen', why: isLate ? 'it does not answer' : errnoText(error) };
  }
}

function stateOf(
  { Created: created, State: state = {}, RestartCount: count, HostConfig: config }: Inspected,
  paths: Paths,
): ContainerState {
  const restarts = typeof count === 'number' ? count : 0;
  switch (state.Status) {
    case 'paused':
      return { kind: 'paused' };
    case 'created':
    case 'configured':
      return { kind: 'created', why: textOf(state.Error), createdAt: instantOf(created) };
    case 'restarting':
      return { kind: 'restarting', restarts, ...endOf(state, config?.Memory) };
    case 'exited':
    case 'dead':
    case 'stopped':
      return { kind: 'ended', restarts, ...endOf(state, config?.Memory) };
    default:
      return runningState(state, restarts, paths);
  }
}

function runningState(
  state: NonNullable<Inspected['State']>,
  restarts: number,
  { procfs }: Paths,
): ContainerState {
  const { Health: health, Pid: pid } = state;
  if (health?.Status !== 'unhealthy') {
    const hasProcess = typeof pid === 'number' && pid > 0;
    const isHidden = hasProcess && !existsSync(join(procfs, String(pid)));
    return { kind: 'running', restarts, isHidden, ...startOf(state) };
  }
  return { kind: 'unhealthy', restarts, said: textOf(health.Log?.at(-1)?.Output) };
}

function startOf(
  state: NonNullable<Inspected['State']>,
): Pick<Extract<ContainerState, { kind: 'running' }>, 'startedAt' | 'waitedSeconds'> {
  const startedAt = instantOf(state.StartedAt);
  const endedAt = instantOf(state.FinishedAt);
  const hasTimes = startedAt !== undefined && endedAt !== undefined && startedAt >= endedAt;
  return { startedAt, ...(hasTimes ? { waitedSeconds: (startedAt - endedAt) / 1000 } : {}) };
}

function endOf(state: NonNullable<Inspected['State']>, memory: unknown): ContainerEnd {
  const startedAt = instantOf(state.StartedAt);
  const endedAt = instantOf(state.FinishedAt);
  const hasTimes = startedAt !== undefined && endedAt !== undefined && endedAt >= startedAt;
  return {
    exitCode: typeof state.ExitCode === 'number' ? state.ExitCode : 0,
    isOutOfMemory: state.OOMKilled === true,
    endedAt,
    ranSeconds: hasTimes ? (endedAt - startedAt) / 1000 : undefined,
    memoryBytes: typeof memory === 'number' && memory > 0 ? memory : undefined,
    lastLine: undefined,
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim().slice(0, MAX_TEXT) : '';
}

/** The year 1 is "never". */
export function instantOf(value: unknown): Instant | undefined {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return at > 0 ? at : undefined;
}

async function lastLineOf(
  connection: DockerConnection,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const asked = { name, sinceSeconds: 0, lines: LAST_LINES, signal };
  const log = await readContainerLog(connection, asked).catch(() => undefined);
  if (log?.kind !== 'lines') return undefined;
  return log.lines.findLast(({ text }) => text.trim() !== '')?.text;
}
