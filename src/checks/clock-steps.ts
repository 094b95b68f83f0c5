/**
 * Was the wall clock set, or did the whole program stand still? Both would make everything look old, or new, that
 * is neither. Compares the two clocks at each look, and the time between two looks.
 */
import type { Clock, Instant } from '../core/clock.ts';
import type { Log } from '../log.ts';

/** What a clock that is kept by NTP never drifts between two looks. */
const STEP_SECONDS = 2;
/** The daemon looks every three seconds while it runs at all; this is shorter than what makes anything old. */
const PAUSE_SECONDS = 6;

export interface ClockStep {
  /** By the new clock. */
  readonly at: Instant;
  /** Positive when it was set forward. */
  readonly seconds: number;
}

export interface ClockLook {
  /** The wall clock was set by that much since the last look; 0 when it was not. */
  readonly stepSeconds: number;
  /** The program stood still for that long; 0 when it did not. */
  readonly pausedSeconds: number;
}

interface Dated {
  /** The wall clock was set by that much. */
  shift(milliseconds: number): void;
}

interface Ageing extends Dated {
  /** Nothing could be looked at for that long. */
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

  /** Everything that was dated by the old time is dated anew, and nothing is old that could not be looked at. */
  follow(log: Log, store: Ageing, others: readonly Dated[]): void {
    const { stepSeconds, pausedSeconds } = this.look();
    if (stepSeconds !== 0) {
      for (const dated of [store, ...others]) dated.shift(stepSeconds * 1000);
      log.warn({ seconds: Math.round(stepSeconds) }, 'the wall clock was set');
    }
    if (pausedSeconds === 0) return;
    store.forgive(pausedSeconds);
    log.warn({ seconds: Math.round(pausedSeconds) }, 'the process was suspended');
  }

  look(): ClockLook {
    const offset = offsetOf(this.#clock);
    const moved = offset - this.#offset;
    const now = this.#clock.seconds();
    const gap = now - this.#lookedSeconds;
    this.#lookedSeconds = now;
    const isStep = Math.abs(moved) >= STEP_SECONDS;
    // A slow drift is taken over, so that it never adds up to a step.
    this.#offset = offset;
    if (isStep) this.#last = { at: this.#clock.wall(), seconds: moved };
    return { stepSeconds: isStep ? moved : 0, pausedSeconds: gap > PAUSE_SECONDS ? gap : 0 };
  }
}

/** How far the wall clock is ahead of the monotonic one, in seconds. */
function offsetOf(clock: Clock): number {
  return clock.wall() / 1000 - clock.seconds();
}
