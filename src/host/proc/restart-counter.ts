/** How many main processes has a service had recently? Counts the processes that we saw, for hosts without systemd. */

/** A process that lives longer than this, and twice as long as any before it, has started for good. */
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
    const hasStarted = hasOutlived(known, pid, nowSeconds);
    for (const [old, at] of known) {
      if (old !== pid && (hasStarted || nowSeconds - at > this.#withinSeconds)) known.delete(old);
    }
    return known.size;
  }
}

/** The process that is there now has lived much longer than those before it. */
function hasOutlived(
  seen: ReadonlyMap<number, number>,
  pid: number | undefined,
  nowSeconds: number,
): boolean {
  const times = [...seen.values()];
  const lives = times.slice(1).map((at, index) => at - (times[index] ?? at));
  const age = nowSeconds - (times.at(-1) ?? nowSeconds);
  return pid !== undefined && age > Math.max(STARTED_SECONDS, 2 * Math.max(0, ...lives));
}
