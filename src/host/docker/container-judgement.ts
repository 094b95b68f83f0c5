/** What the state of its container means for a runner. */
import { RESTART_SECONDS } from '../../core/absences.ts';
import type { Instant } from '../../core/clock.ts';
import { dateText } from '../../core/date-text.ts';
import type { ContainerEnd, ContainerState } from '../../core/container-state.ts';
import type { Fact } from '../../core/finding.ts';
import { leadToCauses } from '../../core/reason.ts';

export const CONTAINER_REASONS = leadToCauses(
  'container-stopped',
  'container-out-of-memory',
  'container-restart-loop',
  'container-paused',
  'container-never-started',
  'container-removed',
  'container-unhealthy',
);

/** So many automatic restarts within a quarter of an hour are a loop. */
const LOOP_RESTARTS = 3;
/** Of a runner that works, none ends so soon. */
const SHORT_LIFE_SECONDS = 10;
/** Docker waits twice as long before each further start, and 0.1 s where the container had run well before. */
const LOOP_WAIT_SECONDS = 3;
const PREPARATION_MILLISECONDS = 60_000;

export interface ContainerFault {
  readonly status: 'fail' | 'warn' | 'unknown';
  readonly reason: keyof typeof CONTAINER_REASONS | 'restarting' | 'processes-hidden';
  readonly detail: string;
}

export interface SeenContainer {
  readonly name: string;
  readonly state: ContainerState;
  /** Automatic ones of the last quarter of an hour. */
  readonly restarts: number;
  readonly hasProcess: boolean;
  /** Since when there is none, as far as it was seen. */
  readonly absentSeconds: number;
  readonly now: Instant;
}

/** Undefined where the container itself is well, or nothing is known of it. */
export function judgeContainer(seen: SeenContainer): ContainerFault | undefined {
  if (seen.hasProcess) return faultBesideProcess(seen);
  return mayBeRestarted(seen)
    ? (faultOfLoop(seen) ?? onItsWay(seen.name, 'ended a moment ago'))
    : faultWithoutProcess(seen);
}

/** What its engine says of an end is of the past, or of another container: one can be given another name. */
function faultBesideProcess({ name, state, restarts }: SeenContainer): ContainerFault | undefined {
  if (state.kind === 'paused') return failure('container-paused', name, 'is paused');
  if (state.kind !== 'running' && state.kind !== 'unhealthy') return undefined;
  if (restarts >= LOOP_RESTARTS) {
    const said = `was started again ${restarts} times within a quarter of an hour`;
    return failure('container-restart-loop', name, said);
  }
  if (state.kind === 'running') return undefined;
  const said = `is unhealthy by its own check${reasonText(state.said)}`;
  return { ...failure('container-unhealthy', name, said), status: 'warn' };
}

function faultWithoutProcess(seen: SeenContainer): ContainerFault | undefined {
  const { name, state } = seen;
  switch (state.kind) {
    case 'removed':
      return failure('container-removed', name, 'is gone: its engine does not know it any more');
    case 'created':
      return failure('container-never-started', name, `was never started${reasonText(state.why)}`);
    case 'ended':
      return state.isOutOfMemory
        ? failure('container-out-of-memory', name, OUT_OF_MEMORY)
        : failure('container-stopped', name, `has stopped, ${endText(state)}`);
    case 'restarting':
      return faultOfRestarting(state, seen);
    case 'running':
      return faultBesideProcess(seen) ?? faultOfYoung(state, seen);
    case 'paused':
    case 'unhealthy':
    case 'unseen':
      return faultBesideProcess(seen);
  }
}

/** podman starts it again at once, and has no state between an end and a start. */
function faultOfLoop({ name, state, restarts }: SeenContainer): ContainerFault | undefined {
  if (state.kind !== 'ended') return undefined;
  const isShort = (state.ranSeconds ?? Infinity) < SHORT_LIFE_SECONDS;
  // Of a short life all earlier restarts count, so that one look is enough.
  const counted = isShort ? Math.max(state.restarts, restarts) : restarts;
  if (counted < LOOP_RESTARTS) return undefined;
  const said = `starts and ends again and again, ${endText(state)}`;
  return failure('container-restart-loop', name, said);
}

/** A person restarts it, or makes it anew. */
function mayBeRestarted({ state, absentSeconds, now }: SeenContainer): boolean {
  const secondsSince = (at: Instant | undefined): number =>
    at === undefined ? absentSeconds : (now - at) / 1000;
  switch (state.kind) {
    case 'removed':
      return absentSeconds < RESTART_SECONDS;
    case 'created':
      return secondsSince(state.createdAt) < RESTART_SECONDS;
    case 'ended':
      return !state.isOutOfMemory && secondsSince(state.endedAt) < RESTART_SECONDS;
    case 'paused':
    case 'restarting':
    case 'running':
    case 'unhealthy':
    case 'unseen':
      return false;
  }
}

function faultOfRestarting(
  state: Extract<ContainerState, { kind: 'restarting' }>,
  { name, restarts }: SeenContainer,
): ContainerFault {
  if (state.isOutOfMemory) return failure('container-out-of-memory', name, OUT_OF_MEMORY);
  if (Math.max(state.restarts, restarts) < LOOP_RESTARTS)
    return onItsWay(name, `is about to start again, ${endText(state)}`);
  const said = `starts and ends again and again, ${endText(state)}`;
  return failure('container-restart-loop', name, said);
}

/** Its first program prepares the container before it becomes the runner. */
function faultOfYoung(
  {
    startedAt,
    isHidden,
    restarts,
    waitedSeconds = 0,
  }: Extract<ContainerState, { kind: 'running' }>,
  { name, now }: SeenContainer,
): ContainerFault | undefined {
  const isYoung = startedAt !== undefined && now - startedAt < PREPARATION_MILLISECONDS;
  if (isHidden) {
    const said = 'runs by its engine, and its processes are not among those that runnerwatch sees';
    return { ...failure('processes-hidden', name, said), status: 'unknown' };
  }
  if (!isYoung) return undefined;
  const said = 'starts and ends again and again, and has just been started';
  return restarts >= LOOP_RESTARTS && waitedSeconds >= LOOP_WAIT_SECONDS
    ? failure('container-restart-loop', name, said)
    : onItsWay(name, 'has just started');
}

function failure(reason: ContainerFault['reason'], name: string, said: string): ContainerFault {
  return { status: 'fail', reason, detail: `container ${name} ${said}` };
}

function onItsWay(name: string, said: string): ContainerFault {
  return { ...failure('restarting', name, said), status: 'warn' };
}

/** What the texts of the causes name. */
export function containerFacts({ name, state }: SeenContainer): Record<string, Fact> {
  const facts = { container: name };
  if (state.kind === 'ended' || state.kind === 'restarting')
    return { ...facts, ...endFacts(state) };
  const message = state.kind === 'created' ? state.why : undefined;
  const said = state.kind === 'unhealthy' ? state.said : (message ?? '');
  return said === '' ? facts : { ...facts, message: said };
}

function endFacts({
  exitCode,
  endedAt,
  memoryBytes,
  lastLine,
}: ContainerEnd): Record<string, Fact> {
  return {
    exit_code: exitCode,
    ...(endedAt === undefined ? {} : { ended_at: dateText(endedAt) }),
    ...(memoryBytes === undefined ? {} : { memory_limit: memoryBytes }),
    ...(lastLine === undefined ? {} : { last_line: lastLine }),
  };
}

const OUT_OF_MEMORY = 'was killed by the kernel, since it used all the memory that it may use';

function endText({ exitCode, lastLine }: ContainerEnd): string {
  return `with exit code ${exitCode}${reasonText(lastLine ?? '')}`;
}

function reasonText(said: string): string {
  return said === '' ? '' : `: ${said}`;
}
