/**
 * The current settings. A file that does not load only sets a flag, which the page and a metric show; so does a change of a
 * setting that needs a restart, until that restart.
 */
import type { Clock } from '../../core/clock.ts';
import type { TimelineEvent } from '../../core/past.ts';
import type { SelfState } from '../../core/view.ts';
import type { Log } from '../../log.ts';
import { GENERAL_SETTINGS, needsRestart } from './schema.ts';
import type { Settings } from './settings.ts';

export interface SettingsLoad {
  readonly settings: Settings | undefined;
  /** One line each; empty when the file is good. */
  readonly problems: readonly string[];
}

export interface ReloaderOptions {
  readonly settings: Settings;
  /** Reads the settings file once more. */
  readonly loadSettings: () => Promise<SettingsLoad>;
  readonly clock: Clock;
  readonly log: Log;
}

export class SettingsReloader {
  readonly #options: ReloaderOptions;
  #current: Settings;
  #state: SelfState['settings'];

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#current = options.settings;
    this.#state = { successful: true, successAt: options.clock.wall(), needRestart: [] };
  }

  /** Those that need a restart have the value of the file here, and that of the start where they are used. */
  current(): Settings {
    return this.#current;
  }

  state(): SelfState['settings'] {
    return this.#state;
  }

  /** Reads the file again; returns its problems and what to write into the timeline. */
  async reload(): Promise<{ problems: readonly string[]; event: TimelineEvent }> {
    const { settings, problems } = await this.#options.loadSettings();
    const at = this.#options.clock.wall();
    return settings === undefined
      ? { problems, event: this.#refuse(problems, at) }
      : { problems, event: this.#accept(settings, at) };
  }

  #refuse(problems: readonly string[], at: number): TimelineEvent {
    const [problem = 'unknown'] = problems;
    this.#state = { ...this.#state, successful: false, problem };
    this.#options.log.error({ problems }, 'settings not reloaded');
    return { at, tone: 'warn', kind: 'settings not reloaded', text: problem };
  }

  #accept(settings: Settings, at: number): TimelineEvent {
    const { log } = this.#options;
    const needRestart = settingsNeedingRestart(this.#options.settings, settings);
    this.#state = { successful: true, successAt: at, needRestart };
    this.#current = settings;
    if (settings.logLevel !== undefined) log.level = settings.logLevel;
    log.info({}, 'settings reloaded');
    if (needRestart.length === 0) {
      return { at, tone: 'note', kind: 'settings reloaded', text: 'as asked' };
    }
    log.warn({ settings: needRestart }, 'restart runnerwatch to apply these settings');
    const text = `restart runnerwatch to apply ${needRestart.join(', ')}`;
    return { at, tone: 'warn', kind: 'settings reloaded', text };
  }
}

/** Names of the settings whose value in the file is not the one in use, and takes effect after a restart. */
export function settingsNeedingRestart(inUse: Settings, loaded: Settings): readonly string[] {
  const [before, after] = [inUse, loaded].map((settings): Readonly<Record<string, unknown>> => ({
    ...settings,
  }));
  return GENERAL_SETTINGS.filter(
    (setting) =>
      needsRestart(setting) &&
      JSON.stringify(before?.[setting.property]) !== JSON.stringify(after?.[setting.property]),
  ).map(({ name }) => name);
}
