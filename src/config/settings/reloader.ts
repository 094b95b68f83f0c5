/** The current settings. A file that does not load only sets a flag, which the page and a metric show. */
import type { Clock } from '../../core/clock.ts';
import type { TimelineEvent } from '../../core/past.ts';
import type { PlanSettings } from '../../core/settings.ts';
import type { SelfState } from '../../core/view.ts';
import type { Log } from '../../log.ts';

export interface SettingsLoad {
  readonly settings: PlanSettings | undefined;
  /** One line each; empty when the file is good. */
  readonly problems: readonly string[];
}

export interface ReloaderOptions {
  readonly settings: PlanSettings;
  /** Reads the settings file once more. */
  readonly loadSettings: () => Promise<SettingsLoad>;
  readonly clock: Clock;
  readonly log: Log;
}

export class SettingsReloader {
  readonly #options: ReloaderOptions;
  #current: PlanSettings;
  #state: SelfState['settings'];

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#current = options.settings;
    this.#state = { successful: true, successAt: options.clock.wall() };
  }

  current(): PlanSettings {
    return this.#current;
  }

  state(): SelfState['settings'] {
    return this.#state;
  }

  /** Reads the file again; returns its problems and what to write into the timeline. */
  async reload(): Promise<{ problems: readonly string[]; event: TimelineEvent }> {
    const { settings, problems } = await this.#options.loadSettings();
    const at = this.#options.clock.wall();
    if (settings === undefined) {
      const [problem = 'unknown'] = problems;
      this.#state = { ...this.#state, successful: false, problem };
      this.#options.log.error({ problems }, 'settings not reloaded');
      return {
        problems,
        event: { at, tone: 'warn', kind: 'settings not reloaded', text: problem },
      };
    }
    this.#state = { successful: true, successAt: at };
    this.#current = settings;
    this.#options.log.info({}, 'settings reloaded');
    return { problems, event: { at, tone: 'note', kind: 'settings reloaded', text: 'as asked' } };
  }
}
