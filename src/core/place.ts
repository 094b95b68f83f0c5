/**
 * Where a runner lives, and what a person types about it there. Probes, diagnosis and fixes ask this one value;
 * none of them knows whether a systemd unit, a script or a shell started the runner. `discovery/` finds the places,
 * `host/place/` knows their commands.
 */
import type { ContainerResolver, Engine } from './container.ts';
import type { ContainerState } from './container-state.ts';
import type { FixStep } from './diagnosis.ts';
import type { Paths } from './paths.ts';
import type { LogSource } from './runner-event.ts';
import { quoteArgument } from './shell.ts';

/** One line for a shell on the host; every value in it is quoted. */
export type Command = string;

/** What the kernel limits for a process or its control group. */
export type Limit = 'files' | 'tasks' | 'memory' | 'cpu';

/** What a container has from when it was made: a change of it takes a new container, and a restart is not enough. */
export type ContainerSetting =
  | { readonly kind: 'variable'; readonly name: string; readonly value: string }
  /** Another config.toml, as the container sees it. */
  | { readonly kind: 'config'; readonly path: string }
  | { readonly kind: 'limit'; readonly limit: Limit; readonly present: number | undefined }
  /** A folder or file of the host, and where it is in the container; in place of a mount there, if it has one. */
  | {
      readonly kind: 'mount';
      readonly source: string;
      readonly target: string;
      readonly replaces?: string;
    }
  /** A further group of its processes, by number. */
  | { readonly kind: 'group'; readonly id: number }
  /** Started again after each end but one by a person. */
  | { readonly kind: 'restarts' };

/** What a person types about the runner itself. */
export interface PlaceCommands {
  /** Starts it now, and at each boot where its manager does that. */
  readonly start: Command;
  readonly stop: Command;
  readonly restart: Command;
  /** Lets it read config.toml again. */
  readonly reload: Command;
  /** The id of its process, as an argument in a command. */
  readonly processId: string;
  /** The runner's own program with these arguments, as the user and with the files of the service. */
  runner(words: string): Command;
  /** The command for the last lines of its log; a text without a command where the log is not known. */
  showLog(text: string, lines?: number): FixStep;
  /** Gives the process these variables, and restarts it. */
  setEnvironment(text: string, variables: Readonly<Record<string, string>>): readonly FixStep[];
  /** The same for values that only the person knows: the command asks for them, or opens the file they belong in. */
  enterEnvironment(text: string, names: readonly string[]): readonly FixStep[];
  /** Makes its container anew, with these settings beside those that it has; absent on the host itself. */
  readonly remake?: (text: string, settings: readonly ContainerSetting[]) => readonly FixStep[];
  /** Brings the program up to date. */
  upgrade(text: string): FixStep;
  /** Starts it on another config.toml from now on. */
  useConfig(text: string, path: string): readonly FixStep[];
  showLimit(text: string, limit: Limit): FixStep;
  /** `present` in files, tasks, bytes or cores; absent where it is not known. */
  raiseLimit(text: string, limit: Limit, present?: number): readonly FixStep[];
}

/** What a person types about the host that the runner lives on. */
export interface HostCommands {
  readonly restartResolver: Command;
  /** Changes lines of /etc/resolv.conf by these scripts of sed; a sentence where a program writes that file. */
  editResolver(text: string, ...scripts: readonly string[]): FixStep;
  /** Writes it as a whole; a sentence where a program does that. */
  writeResolver(text: string, lines: readonly string[]): FixStep;
  readonly shrinkLogs: Command;
  readonly showClock: Command;
  readonly setClock: Command;
  /** Installs a package, or brings it up to date. */
  install(name: string): Command;
}

/** What a person types about a container engine. Absent commands are those that this host cannot give. */
export interface EngineCommands {
  /** `Docker`, `Podman`. */
  readonly name: string;
  /** False for an engine on another host. */
  readonly isHere: boolean;
  readonly start?: Command;
  readonly restart?: Command;
  readonly showLog?: Command;
  /** Its settings file, for a sentence. */
  readonly settings: string;
  /** Opens that file; absent for an engine on another host. */
  readonly editSettings?: Command;
  /** Its client with these arguments, for the same address as the runner's. */
  client(words: string): Command;
}

/** The files of a runner, as the runner sees them. */
export interface RunnerFiles {
  readonly config: string;
  readonly certs: string;
  readonly systemId: string;
  /** Where config.toml usually lies, for this user or another. */
  readonly usualConfigs: readonly string[];
}

/** The container that a runner lives in, as its engine knows it. */
export interface PlaceContainer {
  readonly name: string;
  /** A program makes it anew from a description: settings that are changed beside that are lost then. */
  readonly isMade: boolean;
  /** Of its engine, on the host. */
  readonly socket: string;
  /** Never rejects. */
  state(signal: AbortSignal): Promise<ContainerState>;
  /** The client of its engine with these arguments. */
  client(words: string): Command;
}

/** The runner has the file that was there when its container started. */
export interface ReplacedFile {
  /** By its path on the host. */
  readonly source: string;
  /** There is another one now. */
  readonly isThere: boolean;
}

/** How the name servers of a container are set when it starts. */
export interface PlaceResolver extends ContainerResolver {
  readonly engine: Engine;
  /** The file of the host that is mounted as its /etc/resolv.conf; absent where its engine writes one. */
  readonly mountedFrom?: string;
  /** Where a person sets others for it, after "set it". */
  readonly where: string;
}

export interface LivenessProbe {
  /** By its script; false where that is not visible, and the chart may be one whose probe only looks for the process. */
  readonly isSeen: boolean;
  /** So that the next outage ends no runner. */
  readonly fix: FixStep;
}

export interface Place {
  /** Label of its checks and causes: `gitlab-runner.service`. */
  readonly id: string;
  /** For people: `systemd unit gitlab-runner.service`, `process 812, started by hand`. */
  readonly description: string;
  /** Where its files, its processes and its kernel's settings are seen from here. */
  readonly paths: Paths;
  /** Those of the host that it lives on; absent where they are the same. */
  readonly hostPaths?: Paths;
  readonly files: RunnerFiles;
  /** As whom it runs; without an id while it does not run. */
  readonly user: { readonly name: string; readonly uid?: number };
  /** A manager starts it again: at boot, or when a person asks for it. False for one that was started by hand. */
  readonly isManaged: boolean;
  /** The unit of the system's systemd that runs it; absent without one. */
  readonly unit?: string;
  /** Absent on the host itself, and where no engine tells of it. */
  readonly container?: PlaceContainer;
  /** Absent on the host itself, and where no engine sets them. */
  readonly resolver?: PlaceResolver;
  /** config.toml as the host sees it, below a mount of the host; absent on the host itself. */
  readonly configOnHost?: string;
  /** No engine tells whether its container was stopped or another one has replaced it. */
  readonly mayBeReplaced?: true;
  /** Where its log is, as its host sees it; absent where that is not known. */
  readonly log?: LogSource;
  /** Why runnerwatch may not look there, a sentence; absent where it may. */
  readonly closed?: string;
  /** Why neither its process nor its root can be seen, a sentence; absent where they can. */
  readonly unseen?: string;
  /** Why its control groups cannot be seen while its process can, a sentence; absent where they can. */
  readonly withoutGroups?: string;
  /** Of runnerwatch, where it is the only one that is known. */
  readonly ownEnvironment?: Readonly<Record<string, string>>;
  /** runnerwatch is itself in a container: its rights are options of that one, not of a service. */
  readonly isWatchedFromContainer?: true;
  /**
   * Its root for a shell on the host, where runnerwatch shares its processes alone: their numbers are others there. Absent
   * where they are the same.
   */
  readonly rootOnHost?: Command;
  /** What starts it registers it first, so that config.toml has no entry for a while. */
  readonly registersItself?: true;
  /** Ends the runner in an outage of GitLab; absent where nothing does. */
  readonly livenessProbe?: LivenessProbe;
  /** A step as it is done there; absent where every command of a host can be typed. */
  readonly fitted?: (step: FixStep) => FixStep;
  /** False once its process has ended, and with it all that was seen of its files; absent where these stay. */
  readonly isThere?: () => boolean;
  readonly commands: PlaceCommands;
  readonly host: HostCommands;
  /** A path of the runner, as a shell on the host reaches it. */
  hostPath(path: string): string;
  /** Whether another file of the host has taken the place of one that is mounted by itself; absent on the host itself. */
  readonly replacedOnHost?: (path: string) => Promise<ReplacedFile | undefined>;
  /** What writes /etc/hosts anew at each start, and where its lines are set, a sentence; absent where a person does. */
  readonly hostsWriter?: string;
  /** A command that runs in the network of the runner. */
  inNetwork(command: Command): Command;
  /**
   * The engine at an address of the runner, by default at `unix:///var/run/docker.sock`; `certificates` is the folder
   * of its TLS files, as the runner sees it.
   */
  engineAt(address?: string, certificates?: string): EngineCommands;
  /** A variable of the runner's process, or of the last one; absent where its environment is not known. */
  readonly variable?: (name: string) => string | undefined;
}

/** A path of the runner, quoted for a command on the host. */
export function hostArgument(place: Place, path: string): string {
  const { rootOnHost } = place;
  const there = place.hostPath(path);
  const inRoot = /^\/proc\/\d+\/root(?<rest>\/.*|)$/.exec(there)?.groups?.['rest'];
  return rootOnHost === undefined || inRoot === undefined
    ? quoteArgument(there)
    : `${rootOnHost}${quoteArgument(inRoot)}`;
}
