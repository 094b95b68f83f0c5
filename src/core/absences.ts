/** How long something has been missing, by its name: a restart is no end. */
import type { Clock } from './clock.ts';

/** How long the restart of a container may take: an interval of the checks and a bit. */
export const RESTART_SECONDS = 20;

export class Absences {
  readonly #since = new Map<string, number>();

  /** 0 while it is there. */
  secondsOf(name: string, isThere: boolean, clock: Clock): number {
    if (isThere) {
      this.#since.delete(name);
      return 0;
    }
    const since = this.#since.get(name) ?? clock.seconds();
    this.#since.set(name, since);
    return clock.seconds() - since;
  }
}
