/**
 * One run: of a probe within its deadline, and of a job, which is one check or a whole walk. Never rejects.
 *
 * A program that was stopped in the middle of a run finds, when it goes on, that every deadline is over: what it then
 * calls a failure is none. Such a run is known by a check that took longer than its deadline allows.
 */
import { deadlineOf } from '../core/abort.ts';
import type { Check } from '../core/check.ts';
import type { Clock } from '../core/clock.ts';
import { errnoText, isErrno } from '../core/errno.ts';
import type { CheckId, Finding, ProbeResult } from '../core/finding.ts';
import type { LinkTools } from '../core/probe.ts';

/** A probe's own deadline comes first, so that it can say "timed out" itself. */
const GRACE_SECONDS = 0.5;
/** A job that ends this much later was suspended with the whole program. */
const STOPPED_SECONDS = 3;
/** A check ends at its deadline; this much later something has stopped the whole program. */
const SPARE_SECONDS = 2;

export interface Job {
  readonly id: string;
  /** `mount`: what may hang on a file system or on another daemon. */
  readonly group: 'walk' | 'host' | 'mount';
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly checks: readonly Check[];
  /** `everything`: nothing may be left out because it is not due. Emits each result as it is known. */
  run(
    signal: AbortSignal,
    emit: (result: ProbeResult) => void,
    everything: boolean,
    /** What asks GitLab's API for nothing is looked at again, due or not. */
    isFresh?: boolean,
  ): Promise<void>;
}

/** A throw becomes `unknown`. */
export async function runCheck(
  check: Check,
  tools: LinkTools,
  /** The probe's own, unless told. */
  run: (tools: LinkTools) => Promise<Finding> = async (lent) =>
    await check.probe.run(check.target, check.options, lent),
): Promise<ProbeResult> {
  const startedAt = tools.clock.wall();
  const start = tools.clock.seconds();
  using deadline = deadlineOf(check.timeoutSeconds, tools.signal);
  const finding = await findingOf(check, { ...tools, signal: deadline.signal }, run);
  return { check: check.id, startedAt, durationSeconds: tools.clock.seconds() - start, finding };
}

async function findingOf(
  check: Check,
  tools: LinkTools,
  run: (tools: LinkTools) => Promise<Finding>,
): Promise<Finding> {
  try {
    return await run(tools);
  } catch (error) {
    if (tools.signal.aborted) {
      const detail = `${check.id} did not end within ${check.timeoutSeconds} s`;
      return { status: 'unknown', reason: 'overdue', detail };
    }
    // Only name and code: a message may quote what it choked on, and that may be a secret.
    const name = error instanceof Error ? error.name : typeof error;
    const code = isErrno(error) ? ` ${errnoText(error)}` : '';
    return {
      status: 'unknown',
      reason: 'probe-bug',
      detail: `${name}${code} in ${check.probe.id}`,
    };
  }
}

export interface JobRun {
  readonly job: Job;
  readonly clock: Clock;
  readonly stop: AbortSignal;
  readonly onResult: (result: ProbeResult) => void;
  readonly everything?: boolean;
  readonly isFresh?: boolean;
}

/**
 * Runs a job to its end, or gives it up: checks that gave no result by then are `unknown/overdue`, and
 * results that come later are dropped. Never rejects. The promise inside the answer settles when the
 * job has really ended, which a hung one may never do; hence it is wrapped in an object.
 */
export async function runJob(request: JobRun): Promise<{ readonly settled: Promise<unknown> }> {
  const { job, clock, stop, onResult, everything = false, isFresh = false } = request;
  const [startedAt, start] = [clock.wall(), clock.seconds()];
  const seen = new Set<CheckId>();
  let open = true;
  const tell = dropSuspendedResults(job.checks, onResult);
  const emit = (result: ProbeResult): void => {
    if (!open) return;
    seen.add(result.check);
    tell(result);
  };
  using deadline = deadlineOf(job.timeoutSeconds, stop);
  const settled = job.run(deadline.signal, emit, everything, isFresh).catch(() => undefined);
  const inTime = await Promise.race([settled.then(() => true), graceAfter(deadline.signal)]);
  open = false;
  const lateSeconds = clock.seconds() - start - job.timeoutSeconds;
  if (inTime || stop.aborted || lateSeconds > STOPPED_SECONDS) return { settled };
  const detail = `did not end within ${job.timeoutSeconds} s`;
  for (const { id: check } of job.checks.filter(({ id }) => !seen.has(id))) {
    const finding = { status: 'unknown', reason: 'overdue', detail } as const;
    onResult({ check, startedAt, durationSeconds: clock.seconds() - start, finding });
  }
  return { settled };
}

/** Resolves to false when the grace after the signal's abort is over. */
async function graceAfter(signal: AbortSignal): Promise<false> {
  const { promise, resolve } = Promise.withResolvers<false>();
  const onAbort = (): void => {
    setTimeout(() => resolve(false), GRACE_SECONDS * 1000);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return await promise;
}

/** Hands on what a run says, until it was disturbed; from then on only what passes, which is proof by itself. */
export function dropSuspendedResults(
  checks: readonly Check[],
  onResult: (result: ProbeResult) => void,
): (result: ProbeResult) => void {
  let isDisturbed = false;
  return (result) => {
    const check = checks.find(({ id }) => id === result.check);
    isDisturbed ||= result.durationSeconds > (check?.timeoutSeconds ?? Infinity) + SPARE_SECONDS;
    if (!isDisturbed || result.finding.status === 'pass') onResult(result);
  };
}
