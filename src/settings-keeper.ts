/** The settings in force. A file that does not load changes nothing but a flag, which the page and a metric show. */
import type { SelfState } from './core/view.ts';
import type { DaemonOptions } from './daemon-options.ts';
import type { PlanSettings } from './checks/plan.ts';
import type { Recorder } from './recorder/recorder.ts';

type KeeperOptions = Pick<DaemonOptions, 'settings' | 'loadSettings' | 'clock' | 'log'>;

export class SettingsReloader {
  readonly #options: KeeperOptions;
  readonly #recorder: Recorder;
  #settings: PlanSettings;
  #state: SelfState['settings'];

  constructor(options: KeeperOptions, recorder: Recorder) {
    this.#options = options;
    this.#recorder = recorder;
    this.#settings = options.settings;
    this.#state = { successful: true, successAt: options.clock.wall() };
  }

  settings(): PlanSettings {
    return this.#settings;
  }

  state(): SelfState['settings'] {
    return this.#state;
  }

  /** Reads the file again; returns its problems. */
  async reload(): Promise<readonly string[]> {
    const { settings, problems } = await this.#options.loadSettings();
    const at = this.#options.clock.wall();
    if (settings === undefined) {
      const [problem = 'unknown'] = problems;
      this.#state = { ...this.#state, successful: false, problem };
      this.#options.log.error({ problems }, 'settings not reloaded');
      this.#recorder.addEvent({ at, tone: 'warn', kind: 'settings not reloaded', text: problem });
    } else {
      this.#state = { successful: true, successAt: at };
      this.#settings = settings;
      this.#options.log.info({}, 'settings reloaded');
      this.#recorder.addEvent({ at, tone: 'note', kind: 'settings reloaded', text: 'as asked' });
    }
    return problems;
  }
}
