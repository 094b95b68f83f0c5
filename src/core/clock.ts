/** The clock is passed in. There are two, because a step of the wall clock must not look like a slow server. */

/** Unix milliseconds. */
export type Instant = number;

export interface Clock {
  /** Unix milliseconds: for "when". */
  wall(): Instant;
  /** Monotonic seconds from an arbitrary zero: for "how long". */
  seconds(): number;
}

export const systemClock: Clock = {
  wall: () => Date.now(),
  seconds: () => performance.now() / 1000,
};

/** A smaller difference between this host's clock and that of a server has no effect. */
export const MAX_HARMLESS_SKEW_SECONDS = 60;
