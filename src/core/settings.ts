/** What the plan of the checks needs of our own settings. */
import type { Probe } from './probe.ts';

export interface ProbeSettings {
  readonly enabled: boolean;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly options: Readonly<Record<string, number | boolean>>;
}

export interface PlanSettings {
  readonly requestsPerHour: number;
  /** The runner's config.toml; by default the one that the running gitlab-runner uses. */
  readonly runnerConfig?: string;
  /** Where the runner logs, when it is not the journal of its unit. */
  readonly runnerLogFile?: string;
  /** File with a token of GitLab's API. */
  readonly apiTokenFile?: string;
  /** By probe id; a probe that is not named has its defaults. */
  readonly probes: Readonly<Record<string, ProbeSettings>>;
}

/** What holds for a probe that the settings do not mention. */
export function defaultProbeSettings(probe: Probe): ProbeSettings {
  const options = Object.entries(probe.options).map(([key, option]) => [key, option.default]);
  return {
    enabled: true,
    intervalSeconds: probe.intervalSeconds,
    timeoutSeconds: probe.timeoutSeconds,
    options: Object.fromEntries(options) as ProbeSettings['options'],
  };
}
