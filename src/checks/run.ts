/**
 * One run of a probe within its timeout, and of a job, which is one check or a whole walk. Never rejects.
 *
 * A process that was suspended during a run finds all deadlines passed when it resumes; the failures it then reports are
 * wrong. Such a run is detected by a check that took longer than its deadline allows.
 */
import { deadlineOf } from '../core/abort.ts';
import type { Check } from '../core/check.ts';
import type { Clock } from '../core/clock.ts';
import { errnoText, isErrno } from '../core/errno.ts';
import type { CheckId, Finding, ProbeResult } from '../core/finding.ts';
import type { LinkTools } from '../core/probe.ts';

/** The probe's own timeout comes first, so that the probe itself can report "timed out". */
const GRACE_SECONDS = 0.5;
/** A run this late means that the process was suspended. */
const STOPPED_SECONDS = 3;
/** A check ends at its deadline; ending this much later means that the process was suspended. */
const SPARE_SECONDS = 2;

export interface Job {
  readonly id: string;
  /** `mount`: checks that may hang on a file system or on another daemon. */
  readonly group: 'walk' | 'host' | 'mount';
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly checks: readonly Check[];
  /** `everything`: run links that are not due, too. Emits each result as soon as it is known. */
  run(
    signal: AbortSignal,
    emit: (result: ProbeResult) => void,
    everything: boolean,
    /** Reruns links that send GitLab's API no request, due or not. */
    isFresh?: boolean,
  ): Promise<void>;
}

/** A throw becomes `unknown`. */
export async function runCheck(
  check: Check,
  tools: LinkTools,
  /** Default: the timeout of the probe. */
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
    return { status: 'unknown', reason: 'probe-bug', detail: bugText(error, check.probe.id) };
  }
}

/** Only name and code: a message may quote its input, which may be a secret. */
export function bugText(error: unknown, id: string): string {
  const name = error instanceof Error ? error.name : typeof error;
  const code = isErrno(error) ? ` ${errnoText(error)}` : '';
  return `${name}${code} in ${id}`;
}

export interface JobRun {
  readonly job: Job;
  readonly clock: Clock;
  readonly stop: AbortSignal;
  readonly onResult: (result: ProbeResult) => void;
  readonly everything?: boolean;
  readonly isFresh?: boolean;
}

export interface JobEnd {
  /** Settles when the job has really ended, which a hung one may never do. */
  readonly settled: Promise<unknown>;
  /** Results were dropped, since the process was suspended. */
  readonly lacksResults: boolean;
}

/**
 * Runs a job to its end, or gives it up: checks without a result by then are `unknown/overdue`, and later results are
 * dropped. Never rejects.
 */
export async function runJob(request: JobRun): Promise<JobEnd> {
  const { job, clock, stop, onResult, everything = false, isFresh = false } = request;
  const [startedAt, start] = [clock.wall(), clock.seconds()];
  const seen = new Set<CheckId>();
  let open = true;
  let lacksResults = false;
  const tell = dropSuspendedResults(job.checks, onResult, () => (lacksResults = true));
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
  const wasSuspended = lateSeconds > STOPPED_SECONDS;
  lacksResults ||= wasSuspended && !inTime;
  if (inTime || stop.aborted || wasSuspended) return { settled, lacksResults };
  const detail = `did not end within ${job.timeoutSeconds} s`;
  for (const { id: check } of job.checks.filter(({ id }) => !seen.has(id))) {
    const finding = { status: 'unknown', reason: 'overdue', detail } as const;
    onResult({ check, startedAt, durationSeconds: clock.seconds() - start, finding });
  }
  return { settled, lacksResults };
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

/** Passes on results until the process was suspended; after that only passes, which prove themselves. */
export function dropSuspendedResults(
  checks: readonly Check[],
  onResult: (result: ProbeResult) => void,
  onDropped: () => void,
): (result: ProbeResult) => void {
  let isDisturbed = false;
  return (result) => {
    const check = checks.find(({ id }) => id === result.check);
    isDisturbed ||= result.durationSeconds > (check?.timeoutSeconds ?? Infinity) + SPARE_SECONDS;
    if (!isDisturbed || result.finding.status === 'pass') onResult(result);
    else onDropped();
  };
}
