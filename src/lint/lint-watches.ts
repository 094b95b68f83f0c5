/** The linter's report on the config.toml of each installation, by the id of its place. */
import type { Clock } from '../core/clock.ts';
import type { HostContext, RunnerContext } from '../core/host-context.ts';
import type { LintQuestion } from './lint-watch.ts';
import { LintWatch } from './lint-watch.ts';

export class LintWatches {
  readonly #clock: Clock;
  readonly #watches = new Map<string, LintWatch>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Each installation with its report; without one until the first answer. */
  reportedIn(given: HostContext): HostContext {
    const [first, ...others] = given.contexts;
    return {
      ...given,
      contexts: [this.#reported(first), ...others.map((one) => this.#reported(one))],
    };
  }

  /** Starts the lint runs that are due, and ends the watch of what is gone; does not wait for any. */
  update(questions: ReadonlyMap<string, LintQuestion>): void {
    for (const [place, watch] of this.#watches) {
      if (questions.has(place)) continue;
      watch.stop();
      this.#watches.delete(place);
    }
    for (const [place, question] of questions) {
      const watch = this.#watches.get(place) ?? new LintWatch(this.#clock);
      this.#watches.set(place, watch);
      watch.update(question);
    }
  }

  /** Resolves when no lint run is in progress. */
  async whenIdle(): Promise<void> {
    await Promise.all([...this.#watches.values()].map(async (watch) => await watch.whenIdle()));
  }

  stop(): void {
    for (const watch of this.#watches.values()) watch.stop();
  }

  #reported(context: RunnerContext): RunnerContext {
    const lint = this.#watches.get(context.place.id)?.state();
    return lint === undefined ? context : { ...context, lint };
  }
}
