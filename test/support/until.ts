/**
 * Waits for an event, never for a time. The limit only exists so that a failing test reports what it waited for; it is
 * far beyond what a busy machine needs, and no test depends on it.
 */
import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MILLISECONDS = 50;
/** Below the limits of vitest.config.ts, so that the error names what is missing. */
export const PATIENCE_MILLISECONDS = 240_000;

/** Repeats the question until the answer is yes. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const start = performance.now();
  while (!(await isSo())) {
    if (performance.now() - start > PATIENCE_MILLISECONDS)
      throw new Error(`waited in vain for ${isSo.toString()}`);
    await delay(PAUSE_MILLISECONDS);
  }
}

/** The value of the promise; an error that names what is missing when it never resolves. */
export async function inPatience<T>(
  promise: Promise<T>,
  missing: () => string,
  milliseconds = PATIENCE_MILLISECONDS,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(missing())), milliseconds);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A deadline for what ends by itself. */
export function patient(): AbortSignal {
  return AbortSignal.timeout(PATIENCE_MILLISECONDS);
}
