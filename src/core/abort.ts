/** Deadlines: every wait in this program ends, even when the peer never answers. */

/** Rejects with the signal's reason as soon as it aborts; the promise's own end is then ignored. */
export async function withSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // Attached before `throwIfAborted`, because an unhandled rejection ends the process.
  promise.catch(() => {});
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** One step of a deadline. A step that comes later than this was one in which the process did not run. */
const STEP_MILLISECONDS = 500;
/** So many such steps do not count. */
const MAX_STALLS = 5;

/**
 * A signal that aborts after `seconds` or with its parent, and whose timer ends with the scope:
 * `using deadline = deadlineOf(5, parent)`. Time in which this process did not run does not count, as on a virtual machine
 * that was paused: it would find its deadline over, and blame a peer that was paused with it. What has arrived by the
 * end is read first.
 */
export function deadlineOf(
  seconds: number,
  parent?: AbortSignal,
): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const end = (): void => controller.abort(new DeadlineError(seconds));
  const cancel = afterRunning(seconds * 1000, end);
  const onParent = (): void => controller.abort(parent?.reason);
  if (parent?.aborted === true) onParent();
  parent?.addEventListener('abort', onParent, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      cancel();
      parent?.removeEventListener('abort', onParent);
    },
  };
}

/** Calls `end` when this process has run for so long; the result cancels that. */
function afterRunning(milliseconds: number, end: () => void): () => void {
  let left = milliseconds;
  let stalls = 0;
  let timer: NodeJS.Timeout | undefined;
  let afterReads: NodeJS.Immediate | undefined;
  const step = (): void => {
    const length = Math.min(left, STEP_MILLISECONDS);
    const due = performance.now() + length;
    timer = setTimeout(() => {
      const isStall = performance.now() - due > STEP_MILLISECONDS && stalls < MAX_STALLS;
      if (isStall) stalls += 1;
      else left -= length;
      if (left > 0) step();
      else afterReads = setImmediate(end);
    }, length);
  };
  step();
  return () => {
    clearTimeout(timer);
    clearImmediate(afterReads);
  };
}

/** The reason of a signal made by `deadlineOf`: the time is over. */
export class DeadlineError extends Error {
  readonly seconds: number;

  constructor(seconds: number) {
    super(`no answer within ${seconds} s`);
    this.name = 'DeadlineError';
    this.seconds = seconds;
  }
}
