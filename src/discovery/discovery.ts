/**
 * The host context of the daemon, read every few seconds: the runner's process, its config.toml, the mount table. Says when
 * something changed that the plan depends on.
 */
import { homedir, hostname } from 'node:os';

import type { Clock, Instant } from '../core/clock.ts';
import type { HostContext } from '../core/host-context.ts';
import type { Paths } from '../core/paths.ts';
import type { FoundBy, RunnerProcess } from '../core/reading.ts';
import type { PlanSettings } from '../core/settings.ts';
import type { Target } from '../core/target.ts';
import { locateConfig } from './config-location.ts';
import type { RunnerFileState } from './config-file.ts';
import { RunnerFile } from './config-file.ts';
import { HostNotes } from './host-notes.ts';
import type { FoundTargets } from './targets.ts';
import { targetsOf } from './targets.ts';
import { chooseRunnerProcess, findRunnerProcesses } from '../host/proc/runner-process.ts';
import { hasOtherNetwork } from '../host/net/network-namespace.ts';

export interface DiscoveryOptions {
  readonly paths: Paths;
  readonly clock: Clock;
  /** `--config.file`. */
  readonly settingsFile?: string | undefined;
}

/** config.toml as it was read last, and who uses it: what the linter judges. */
export interface ConfigSource {
  readonly configPath: string;
  readonly content: RunnerFileState['content'] | undefined;
  readonly modifiedAt: Instant | undefined;
  readonly process: RunnerProcess | undefined;
  readonly unitEnvironment: Readonly<Record<string, string>> | undefined;
  readonly unit: string | undefined;
}

type SourceSettings = Pick<PlanSettings, 'runnerConfig' | 'runnerLogFile' | 'apiTokenFile'>;

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #file: RunnerFile;
  readonly #notes: HostNotes;
  #signature = '';
  #process: RunnerProcess | undefined;
  #configPath = '';
  #foundBy: FoundBy = 'default';
  #found: FoundTargets | undefined;
  #loadedAt: Instant | undefined;
  #loads = false;
  #readings = 0;
  #source: ConfigSource | undefined;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#file = new RunnerFile(options.clock);
    this.#notes = new HostNotes(options.paths);
  }

  /** A reading has not ended yet. It may hang with a thread of the pool, so no other one is to join it. */
  get isReading(): boolean {
    return this.#readings > 0;
  }

  /** Reads everything again; true when targets may have changed. */
  async refresh(settings: SourceSettings): Promise<boolean> {
    this.#readings += 1;
    try {
      return await this.#read(settings);
    } finally {
      this.#readings -= 1;
    }
  }

  async #read({
    runnerConfig: wanted,
    runnerLogFile: logFile,
    apiTokenFile,
  }: SourceSettings): Promise<boolean> {
    const { paths, clock } = this.#options;
    const processes = await findRunnerProcesses(paths);
    this.#process = chooseRunnerProcess(processes, wanted);
    const located = locate(wanted, this.#process);
    const { reading, document, changed, systemId, content } = await this.#file.read(located, paths);
    const isElsewhere = await hasOtherNetwork(this.#process?.pid, paths);
    const question = { process: this.#process, configPath: located.path, logFile, paths };
    const around = { ...(await this.#notes.read(question)), isElsewhere };
    this.#source = {
      configPath: located.path,
      content,
      modifiedAt: reading.modifiedAt,
      process: this.#process,
      unitEnvironment: around.unitEnvironment,
      unit: around.place.unit,
    };
    this.#configPath = located.path;
    this.#foundBy = located.foundBy;
    this.#loads = reading.problems.length === 0;
    if (this.#loads && changed) this.#loadedAt = clock.wall();
    const key = processKey(this.#process);
    const signature = JSON.stringify([located.path, key, systemId, around, apiTokenFile]);
    if (!changed && signature === this.#signature) return false;
    this.#signature = signature;
    this.#found = targetsOf({
      document,
      reading,
      process: this.#process,
      systemId,
      ...around,
      apiTokenFile,
    });
    return true;
  }

  /** Undefined before the first reading. */
  configSource(): ConfigSource | undefined {
    return this.#source;
  }

  targets(): readonly Target[] {
    if (this.#found === undefined) return [];
    const { host, config, service, mounts, endpoints, runners, executors } = this.#found;
    return [config, service, host, ...mounts, ...executors, ...endpoints, ...runners];
  }

  /** Whether the file on disk loads, and when one last did. */
  configLoad(): { readonly successful: boolean; readonly successAt: Instant | undefined } {
    return { successful: this.#loads, successAt: this.#loadedAt };
  }

  hostContext(): HostContext {
    const { settingsFile } = this.#options;
    const context = {
      place: this.#notes.place,
      process: this.#process,
      configPath: this.#configPath,
      configFoundBy: this.#foundBy,
      configProblems: [
        ...(this.#found?.config.reading.problems ?? []),
        ...(this.#found?.problems ?? []),
      ],
      blind: [...limitationsOf(this.#process), ...this.#notes.unreadable()],
      runners: this.#found?.runners ?? [],
      endpoints: this.#found?.endpoints ?? [],
    };
    return {
      host: hostname(),
      contexts: [context],
      ...(settingsFile === undefined ? {} : { settingsFile }),
    };
  }
}

function locate(flag: string | undefined, runner: RunnerProcess | undefined) {
  return locateConfig({
    ...(flag === undefined ? {} : { flag }),
    process: runner,
    uid: process.getuid?.() ?? 0,
    home: homedir(),
  });
}

function processKey(found: RunnerProcess | undefined): readonly unknown[] {
  return found === undefined ? [] : [found.pid, found.startedAt, found.environment !== undefined];
}

function limitationsOf(found: RunnerProcess | undefined): readonly string[] {
  if (found === undefined || found.environment !== undefined) return [];
  return [
    `this user may not read the environment of process ${found.pid} (gitlab-runner), so its proxy settings are unknown`,
  ];
}
