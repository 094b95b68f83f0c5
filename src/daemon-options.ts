/** What the daemon is given from outside, by the commands and by the tests. */
import type { Clock } from './core/clock.ts';
import type { ProbeResult } from './core/finding.ts';
import type { Paths } from './core/paths.ts';
import type { Probe } from './core/probe.ts';
import type { Log } from './log.ts';
import type { PlanSettings } from './checks/plan.ts';

export interface SettingsLoad {
  readonly settings: PlanSettings | undefined;
  /** One line each; empty when the file is good. */
  readonly problems: readonly string[];
}

export interface DaemonOptions {
  readonly probes: readonly Probe[];
  readonly settings: PlanSettings;
  /** Reads the settings file once more, for a reload. */
  readonly loadSettings: () => Promise<SettingsLoad>;
  readonly paths: Paths;
  readonly clock: Clock;
  readonly log: Log;
  readonly runnerConfigPath?: string;
  readonly stateDirectory?: string;
  readonly demo?: boolean;
  /** False for a command that only looks: incidents and history are the daemon's to write. */
  readonly isRecording?: boolean;
  readonly onResult?: (result: ProbeResult, probe: Probe) => void;
}
