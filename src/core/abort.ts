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

/**
 * A signal that aborts after `seconds` or with its parent, and whose timer ends with the scope:
 * `using deadline = deadlineOf(5, parent)`. What has arrived by then is read first: a process that was not scheduled for a
 * while finds the deadline over and the answer in its socket.
 */
export function deadlineOf(
  seconds: number,
  parent?: AbortSignal,
): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  let afterReads: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    afterReads = setImmediate(() => controller.abort(new DeadlineError(seconds)));
  }, seconds * 1000);
  const onParent = (): void => controller.abort(parent?.reason);
  if (parent?.aborted === true) onParent();
  parent?.addEventListener('abort', onParent, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      clearImmediate(afterReads);
      parent?.removeEventListener('abort', onParent);
    },
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
