/** A clock that moves only when a test moves it. */
import type { Clock } from '../../src/core/clock.ts';

export interface SetClock extends Clock {
  advance(seconds: number): void;
}

export const START = Date.parse('2026-11-24T09:00:00.000Z');

export function setClock(start = START): SetClock {
  let seconds = 0;
  return {
    wall: () => start + seconds * 1000,
    seconds: () => seconds,
    advance: (by) => {
      seconds += by;
    },
  };
}
