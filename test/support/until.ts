/**
 * Waits for an event, never for a time. The bound is there so that a test that waits in vain says for what; it is
 * far beyond what a busy machine takes, and no test depends on it.
 */
import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MILLISECONDS = 50;
/** Below the limits of vitest.config.ts, so that what is missing is told, and not that time is up. */
export const PATIENCE_MILLISECONDS = 150_000;

/** Asks again and again until it is so. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const start = performance.now();
  while (!(await isSo())) {
    if (performance.now() - start > PATIENCE_MILLISECONDS)
      throw new Error(`waited in vain for ${isSo.toString()}`);
    await delay(PAUSE_MILLISECONDS);
  }
}

/** What the promise gives; an error that says what is missing when it never does. */
export async function inPatience<T>(promise: Promise<T>, missing: () => string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(missing())), PATIENCE_MILLISECONDS);
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
