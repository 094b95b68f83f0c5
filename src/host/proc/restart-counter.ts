/** How many main processes has a service had recently? Counts the processes that we saw, for hosts without systemd. */

/** A process that has lived for less may still be one of a crash loop. */
const STARTED_SECONDS = 60;

export class RestartCounter {
  readonly #withinSeconds: number;
  /** By service: the number of each process, and when it was first seen, in that order. */
  readonly #seen = new Map<string, Map<number, number>>();

  constructor(withinSeconds: number) {
    this.#withinSeconds = withinSeconds;
  }

  /** With the process that is there now; undefined when there is none. */
  count(service: string, pid: number | undefined, nowSeconds: number): number {
    const known = this.#seen.get(service) ?? new Map<number, number>();
    this.#seen.set(service, known);
    if (pid !== undefined && !known.has(pid)) known.set(pid, nowSeconds);
    const starts = [...known.values()];
    const hasStarted =
      pid !== undefined && hasStartedForGood(nowSeconds - (starts.at(-1) ?? nowSeconds), starts);
    for (const [old, at] of known) {
      if (old !== pid && (hasStarted || nowSeconds - at > this.#withinSeconds)) known.delete(old);
    }
    return known.size;
  }
}

/** Whether a process has started for good: it has lived twice as long as any of those before it, and a minute. */
export function hasStartedForGood(
  ageSeconds: number,
  /** When it and those before it started, in order. */
  startedSeconds: readonly number[],
): boolean {
  const lives = startedSeconds.slice(1).map((at, index) => at - (startedSeconds[index] ?? at));
  return ageSeconds > Math.max(STARTED_SECONDS, 2 * Math.max(0, ...lives));
}
