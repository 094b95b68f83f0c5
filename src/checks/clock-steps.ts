/**
 * Was the wall clock set, or was the process suspended? Both make the age of results wrong. Compares the
 * wall clock with the monotonic clock at each call, and the time between two calls.
 */
import type { Clock, Instant } from '../core/clock.ts';
import type { Log } from '../log.ts';

/** A clock that NTP keeps never drifts this much between two calls. */
const STEP_SECONDS = 2;
/** The daemon calls every three seconds while it runs; this is shorter than the age at which a result is stale. */
const PAUSE_SECONDS = 6;

export interface ClockStep {
  /** By the new clock. */
  readonly at: Instant;
  /** Positive when it was set forward. */
  readonly seconds: number;
}

export interface ClockChange {
  /** The wall clock was set by that much since the last call; 0 if it was not. */
  readonly stepSeconds: number;
  /** The process was suspended for that long; 0 if it was not. */
  readonly pausedSeconds: number;
}

interface Dated {
  /** The wall clock was set by that much. */
  shift(milliseconds: number): void;
}

interface Ageing extends Dated {
  /** No check could run for that long. */
  forgive(seconds: number): void;
}

export class ClockWatch {
  readonly #clock: Clock;
  #offset: number;
  #lookedSeconds: number;
  #last: ClockStep | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offset = offsetOf(clock);
    this.#lookedSeconds = clock.seconds();
  }

  /** The last time that it was set. */
  get lastStep(): ClockStep | undefined {
    return this.#last;
  }

  /** Converts all timestamps of the old clock; results that could not be renewed do not become stale. */
  follow(log: Log, checks: Ageing, others: readonly Dated[]): void {
    const { stepSeconds, pausedSeconds } = this.measure();
    if (stepSeconds !== 0) {
      for (const dated of [checks, ...others]) dated.shift(stepSeconds * 1000);
      log.warn({ seconds: Math.round(stepSeconds) }, 'the wall clock was set');
    }
    if (pausedSeconds === 0) return;
    checks.forgive(pausedSeconds);
    log.warn({ seconds: Math.round(pausedSeconds) }, 'the process was suspended');
  }

  measure(): ClockChange {
    const offset = offsetOf(this.#clock);
    const moved = offset - this.#offset;
    const now = this.#clock.seconds();
    const gap = now - this.#lookedSeconds;
    this.#lookedSeconds = now;
    const isStep = Math.abs(moved) >= STEP_SECONDS;
    // A slow drift is absorbed, so that it never adds up to a step.
    this.#offset = offset;
    if (isStep) this.#last = { at: this.#clock.wall(), seconds: moved };
    return { stepSeconds: isStep ? moved : 0, pausedSeconds: gap > PAUSE_SECONDS ? gap : 0 };
  }
}

/** How far the wall clock is ahead of the monotonic one, in seconds. */
function offsetOf(clock: Clock): number {
  return clock.wall() / 1000 - clock.seconds();
}
