/**
 * How many main processes has a service had recently? Counts the processes that we saw, and the automatic restarts of its
 * unit where systemd runs.
 */

/** A process that has lived for less may still be one of a crash loop. */
export const STARTED_SECONDS = 60;

interface Sighted {
  readonly firstSeconds: number;
  readonly lastSeconds: number;
}

export class RestartCounter {
  readonly #withinSeconds: number;
  /** By service: the number of each process, and when it was seen first and last, in order of start. */
  readonly #seen = new Map<string, Map<number, Sighted>>();

  constructor(withinSeconds: number) {
    this.#withinSeconds = withinSeconds;
  }

  /**
   * With the process that is there now; undefined when there is none. Those that lived for longer than `maxLifeSeconds`
   * do not count.
   */
  count(
    service: string,
    pid: number | undefined,
    nowSeconds: number,
    maxLifeSeconds = Infinity,
  ): number {
    const known = this.#seen.get(service) ?? new Map<number, Sighted>();
    this.#seen.set(service, known);
    if (pid !== undefined) {
      const { firstSeconds = nowSeconds } = known.get(pid) ?? {};
      known.set(pid, { firstSeconds, lastSeconds: nowSeconds });
    }
    const starts = [...known.values()].map(({ firstSeconds }) => firstSeconds);
    const hasStarted =
      pid !== undefined && hasStartedForGood(nowSeconds - (starts.at(-1) ?? nowSeconds), starts);
    for (const [old, { firstSeconds }] of known) {
      if (old !== pid && (hasStarted || nowSeconds - firstSeconds > this.#withinSeconds))
        known.delete(old);
    }
    return [...known.values()].filter(
      ({ firstSeconds, lastSeconds }) => lastSeconds - firstSeconds <= maxLifeSeconds,
    ).length;
  }
}

interface Restarts {
  /** What systemd had counted at the last look. */
  readonly counted: number;
  /** When those within the time were seen. */
  readonly times: readonly number[];
  /** The longest life of a process that ended in one of them. */
  readonly longestSeconds: number;
}

/** The automatic restarts of a unit that we saw: systemd counts all since it was loaded, which says nothing of today. */
export class UnitRestarts {
  readonly #withinSeconds: number;
  readonly #seen = new Map<string, Restarts>();

  constructor(withinSeconds: number) {
    this.#withinSeconds = withinSeconds;
  }

  /** `ageSeconds` of the process that is there; `lifeSeconds` of the last one that ended, where that is known. */
  count(
    service: string,
    unit: { readonly restarts: number; readonly lifeSeconds: number | undefined },
    ageSeconds: number | undefined,
    nowSeconds: number,
  ): number {
    const known = this.#seen.get(service) ?? {
      counted: unit.restarts,
      times: [],
      longestSeconds: 0,
    };
    const { lifeSeconds = 0 } = unit;
    // systemd counts from zero again after the unit was stopped: those before were ended by that.
    const isReset = unit.restarts < known.counted;
    const hasStarted = ageSeconds !== undefined && ageSeconds > limitSeconds(known.longestSeconds);
    const isOver = isReset || hasStarted || lifeSeconds > limitSeconds(known.longestSeconds);
    const added = Array.from(
      { length: Math.max(0, unit.restarts - known.counted) },
      () => nowSeconds,
    );
    const times = isOver
      ? []
      : [...known.times, ...added].filter((at) => nowSeconds - at <= this.#withinSeconds);
    this.#seen.set(service, {
      counted: unit.restarts,
      times,
      longestSeconds: isOver ? 0 : Math.max(known.longestSeconds, lifeSeconds),
    });
    return times.length;
  }
}

/** A life that is longer than this ends a loop. */
function limitSeconds(longestSeconds: number): number {
  return Math.max(STARTED_SECONDS, 2 * longestSeconds);
}

/** Whether a process has started for good: it has lived twice as long as any of those before it, and a minute. */
export function hasStartedForGood(
  ageSeconds: number,
  /** When it and those before it started, in order. */
  startedSeconds: readonly number[],
): boolean {
  const lives = startedSeconds.slice(1).map((at, index) => at - (startedSeconds[index] ?? at));
  return ageSeconds > limitSeconds(Math.max(0, ...lives));
}
