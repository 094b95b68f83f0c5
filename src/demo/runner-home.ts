/** Where the runner of the demo lives: on the host of the demo, or in a container of this host. */
import type { StandInEntry } from './runner-options.ts';

export interface RunnerHome extends AsyncDisposable {
  /** `--path.rootfs` of the daemon. */
  readonly rootfs: string;
  /** `--path.procfs` of the daemon. */
  readonly procfs: string;
  /** `--runner.config` of the daemon. */
  readonly configPath: string;
  /** The command that shows its log; absent for a host of the demo. */
  readonly runnerLog?: string;
  /** In which the runner looks up GitLab's name. */
  hostsFile(): Promise<string>;
  /** Of its process. */
  pid(): Promise<number>;
  signal(signal: NodeJS.Signals): Promise<void>;
  /** As its service or its engine stops it. */
  stop(): Promise<void>;
  /** Starts it anew, whether or not it runs. */
  restart(): Promise<void>;
}

/** What is there before the runner moves in. */
export interface RunnerOrder {
  /** The folder of the demo; the runner's files lie there as the runner sees them from its root. */
  readonly folder: string;
  readonly port: number;
  readonly host: string;
  readonly caPem: string;
  readonly entries: readonly StandInEntry[];
  /** As the runner sees it. */
  readonly configPath: string;
}
