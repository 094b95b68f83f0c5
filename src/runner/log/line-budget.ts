/** Limits the lines that are parsed in a second: a runner that floods its log must not cost it the processor. */
import type { Clock } from '../../core/clock.ts';

/** Twice what a runner of fifty failing entries writes. */
const LINES_PER_SECOND = 100;
const BURST_LINES = 1000;

export class LineBudget {
  readonly #clock: Clock;
  #left = BURST_LINES;
  #at: number;
  #dropped = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#at = clock.seconds();
  }

  /** False when the line is one too many; it is then counted as dropped. */
  take(): boolean {
    const now = this.#clock.seconds();
    this.#left = Math.min(BURST_LINES, this.#left + (now - this.#at) * LINES_PER_SECOND);
    this.#at = now;
    if (this.#left < 1) {
      this.#dropped += 1;
      return false;
    }
    this.#left -= 1;
    return true;
  }

  get dropped(): number {
    return this.#dropped;
  }
}
