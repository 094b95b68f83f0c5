/**
 * Runs calls that may never return: to a dead mount, a C library, a daemon that hangs. A child process makes them,
 * since in this process four hanging calls take every thread of libuv, and then no file can be read any more.
 *
 * Promises: one child in flight for each key; it is killed at its deadline and never awaited beyond it, because a
 * child in an uninterruptible call cannot be killed; its output is capped; no shell. "Hung since" is a result like any
 * other.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { Worker } from 'node:worker_threads';

import { DeadlineError } from '../core/abort.ts';
import type { Clock, Instant } from '../core/clock.ts';
import { systemClock } from '../core/clock.ts';
import { inNetworkAtHand } from './net/network.ts';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Written to its standard input. */
  readonly input?: string;
  /** Beside PATH, LC_ALL and where Node keeps compiled code; nothing else of our own environment is handed on. */
  readonly env?: NodeJS.ProcessEnv;
  /** A child that writes more is killed. */
  readonly maxOutputBytes?: number;
  /** Is given what the child writes as it comes, for one that answers in parts. */
  readonly onOutput?: (chunk: Buffer) => void;
  /** Jobs and probes come first. */
  readonly isBackground?: boolean;
  /** It runs in the network at hand. */
  readonly isInNetwork?: boolean;
  /** It starts programs of its own: they end with it. */
  readonly startsOthers?: boolean;
}

export type ChildResult =
  /** Without a code it was ended by a signal that is not ours. */
  | {
      readonly kind: 'ended';
      readonly code: number | null;
      readonly stdout: string;
      readonly stderr: string;
    }
  /** Since the start of the first question of this key that got no answer. */
  | { readonly kind: 'hung'; readonly since: Instant }
  /** It could not be started, or wrote too much. */
  | { readonly kind: 'failed'; readonly error: Error };

interface ChildDeps {
  readonly signal: AbortSignal;
  readonly clock?: Clock;
}

export interface BoundedChild {
  /**
   * Answers at the latest when the signal aborts. A second call with the same key gets the result of the first; while
   * a killed child has not ended, the result is `hung` at once.
   */
  run(key: string, command: Command, deps: ChildDeps): Promise<ChildResult>;
  /** Children that have not ended. */
  inFlight(): number;
}

const MAX_OUTPUT_BYTES = 64 * 1024;
const MAX_COMPLAINT_BYTES = 4096;

/** Each caller has its own keys. */
export function boundedChild(): BoundedChild {
  const inFlight = new Map<string, Promise<ChildResult>>();
  const silentSince = new Map<string, Instant>();

  function start(key: string, command: Command, signal: AbortSignal, since: Instant) {
    const child = spawnChild(command);
    if (child instanceof Error) return { kind: 'failed', error: child } as const;
    const ended = endOf(child, command);
    const answer = answerOf(child, command, ended, whenAborted(signal, since));
    inFlight.set(key, answer);
    void forget(key, child, ended);
    return answer;
  }

  async function forget(key: string, child: ChildProcess, ended: Promise<unknown>): Promise<void> {
    await ended;
    inFlight.delete(key);
    // One that was killed proves nothing.
    if (child.signalCode === null) silentSince.delete(key);
  }

  return {
    inFlight: () => inFlight.size,
    run: async (key, command, { signal, clock = systemClock }) => {
      const since = silentSince.get(key) ?? clock.wall();
      const answer = inFlight.get(key) ?? start(key, command, signal, since);
      const result = await Promise.race([answer, whenAborted(signal, since)]);
      if (result.kind === 'hung') silentSince.set(key, result.since);
      return result;
    },
  };
}

async function answerOf(
  child: ChildProcess,
  command: Command,
  ended: Promise<ChildResult>,
  aborted: Promise<ChildResult>,
): Promise<ChildResult> {
  const result = await Promise.race([ended, aborted]);
  if (result.kind === 'hung') kill(child, command);
  return result;
}

/** Most failures to start come as an event; a host without memory makes `spawn` throw. */
function spawnChild(command: Command): ChildProcess | Error {
  const { program, args, input, env, isBackground, isInNetwork, startsOthers } = command;
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const start = (): ChildProcess =>
    spawn(program, args, {
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { PATH, LC_ALL: 'C', NODE_COMPILE_CACHE, ...env },
      // A process group of its own, which a signal reaches as a whole.
      detached: startsOthers === true,
    });
  try {
    const child = isInNetwork === true ? inNetworkAtHand(start) : start();
    // This program may end while the child hangs.
    child.unref();
    // The child may end before it has read everything.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    if (isBackground === true) lowerPriority(child.pid);
    return child;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function lowerPriority(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It has ended already, or the host does not allow it.
  }
}

async function endOf(child: ChildProcess, command: Command): Promise<ChildResult> {
  const { program, onOutput, maxOutputBytes = MAX_OUTPUT_BYTES } = command;
  const { promise, resolve } = Promise.withResolvers<ChildResult>();
  const output: Buffer[] = [];
  let bytes = 0;
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    output.push(chunk);
    onOutput?.(chunk);
    if (bytes <= maxOutputBytes) return;
    kill(child, command);
    const error = new Error(`${program} wrote more than ${maxOutputBytes} bytes`);
    resolve({ kind: 'failed', error });
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = `${stderr}${chunk.toString()}`.slice(0, MAX_COMPLAINT_BYTES);
  });
  child.on('error', (error) => resolve({ kind: 'failed', error }));
  child.once('close', (code) => {
    resolve({ kind: 'ended', code, stdout: Buffer.concat(output).toString(), stderr });
  });
  return await promise;
}

/** One in an uninterruptible call ends only later; its pipes must not keep this program. */
function kill(child: ChildProcess, { startsOthers }: Command): void {
  if (startsOthers === true && child.pid !== undefined) killGroup(child.pid);
  child.kill('SIGKILL');
  for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe?.destroy();
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

async function whenAborted(signal: AbortSignal, since: Instant): Promise<ChildResult> {
  const { promise, resolve } = Promise.withResolvers<ChildResult>();
  const onAbort = (): void => resolve({ kind: 'hung', since });
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return await promise;
}

const THREAD_PAUSE_MILLISECONDS = 500;

/**
 * The one message of a worker thread, for work that is only slow: a thread in a hanging call could not be ended. It is
 * ended after its message; this rejects once it has used so much processor time. A host that is busy with something else
 * makes it no failure.
 */
export async function runThread(
  file: URL,
  workerData: unknown,
  processorSeconds: number,
): Promise<unknown> {
  const thread = new Worker(file, { workerData });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  thread.once('message', resolve);
  thread.once('error', reject);
  const limit = async (): Promise<void> => {
    const { user, system } = await thread.cpuUsage();
    if ((user + system) / 1e6 > processorSeconds) reject(new DeadlineError(processorSeconds));
  };
  const timer = setInterval(() => {
    // It has ended meanwhile.
    limit().catch(() => {});
  }, THREAD_PAUSE_MILLISECONDS);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
    await thread.terminate();
  }
}
