/** Was the wall clock set? It is compared with the monotonic one, which nobody can set. */
import type { Clock } from '../core/clock.ts';
import type { Change } from '../core/record.ts';

/** Less than this is how a clock is kept right. */
const LEAST_STEP_SECONDS = 2;

export class ClockWatch {
  readonly #clock: Clock;
  #offset: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offset = offsetOf(clock);
  }

  /** The step since the last look. */
  look(): Change | undefined {
    const offset = offsetOf(this.#clock);
    const step = offset - this.#offset;
    this.#offset = offset;
    if (Math.abs(step) < LEAST_STEP_SECONDS) return undefined;
    const at = this.#clock.wall();
    const seconds = `${step > 0 ? '+' : '−'}${Math.abs(step).toFixed(1)} s`;
    return {
      at,
      what: 'clock of this host',
      before: new Date(at - step * 1000).toISOString(),
      after: `${new Date(at).toISOString()} (stepped by ${seconds})`,
    };
  }
}

function offsetOf(clock: Clock): number {
  return clock.wall() / 1000 - clock.seconds();
}
