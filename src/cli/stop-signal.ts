/** SIGTERM and SIGINT as an AbortSignal; the process ends within five seconds, even when a call hangs. */

const PATIENCE_SECONDS = 4.5;

/**
 * Aborts at the first SIGTERM or SIGINT. A second one, or the end of the patience, ends the process: with the
 * exit code of the command when that is done and only a stuck read is left of it.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) endNow(1);
    controller.abort(new Error('stop requested'));
    setTimeout(() => endNow(Number(process.exitCode ?? 1)), PATIENCE_SECONDS * 1000).unref();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return controller.signal;
}

/** Resolves when the signal aborts. */
export async function waitForAbort(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}

/**
 * Ends it at once with that code. `process.exit` alone would wait for the threads of libuv, and one that hangs in a
 * read of a dead mount never returns: another program replaces this one and exits with the code.
 */
export function endNow(exitCode: number): void {
  const { execPath } = process;
  try {
    process.execve?.(execPath, [execPath, '-e', `process.exit(${exitCode})`], {});
  } finally {
    process.exit(exitCode);
  }
}
