/**
 * What the daemon stands on, looked at every few seconds: the runner's process, its config.toml, the
 * mount table. Says when something changed that the plan depends on.
 */
import { homedir, hostname } from 'node:os';

import type { HostContext } from '../core/check.ts';
import type { Clock, Instant } from '../core/clock.ts';
import type { Paths } from '../core/paths.ts';
import type { FoundBy, RunnerProcess } from '../core/reading.ts';
import type { Target } from '../core/target.ts';
import { locateConfig } from './config-location.ts';
import { RunnerFile } from './config-file.ts';
import { HostNotes } from './host-notes.ts';
import type { FoundTargets } from './targets.ts';
import { targetsOf } from './targets.ts';
import type { PlanSettings } from '../checks/plan.ts';
import { chooseRunnerProcess, findRunnerProcesses } from '../host/proc/runner-process.ts';
import { hasOtherNetwork } from '../host/net/network-namespace.ts';
import { LintWatch } from '../lint/lint-watch.ts';

export interface WatchOptions {
  readonly paths: Paths;
  readonly clock: Clock;
  /** `--runner.config`. */
  readonly configPath?: string | undefined;
  /** What our own settings say, at each look. */
  readonly settings?: () => Pick<PlanSettings, 'runnerLogFile' | 'apiTokenFile'>;
}

export class Discovery {
  readonly #options: WatchOptions;
  readonly #file: RunnerFile;
  readonly #lint: LintWatch;
  readonly #notes = new HostNotes();
  #signature = '';
  #process: RunnerProcess | undefined;
  #configPath = '';
  #foundBy: FoundBy = 'default';
  #found: FoundTargets | undefined;
  #loadedAt: Instant | undefined;
  #loads = false;
  #looks = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#file = new RunnerFile(options.clock);
    this.#lint = new LintWatch(options.clock, options.paths);
  }

  /** Ends with the judgement of config.toml that is under way. */
  async lintSettled(): Promise<void> {
    await this.#lint.settled();
  }

  stop(): void {
    this.#lint.stop();
  }

  /** A look has not ended yet. It may hang with a thread of the pool, so no other one is to join it. */
  get isLooking(): boolean {
    return this.#looks > 0;
  }

  /** Looks again; true when targets may have changed. */
  async refresh(): Promise<boolean> {
    this.#looks += 1;
    try {
      return await this.#look();
    } finally {
      this.#looks -= 1;
    }
  }

  async #look(): Promise<boolean> {
    const { paths, clock, configPath: wanted } = this.#options;
    const processes = await findRunnerProcesses(paths);
    this.#process = chooseRunnerProcess(processes, wanted);
    const located = locate(wanted, this.#process);
    const { reading, document, changed, systemId, content } = await this.#file.read(located, paths);
    const isElsewhere = await hasOtherNetwork(this.#process?.pid, paths);
    const { runnerLogFile: logFile, apiTokenFile } = this.#options.settings?.() ?? {};
    const question = { process: this.#process, configPath: located.path, logFile, paths };
    const around = { ...(await this.#notes.read(question)), isElsewhere };
    this.#lint.look({
      configPath: located.path,
      content,
      modifiedAt: reading.modifiedAt,
      process: this.#process,
      unitEnvironment: around.unitEnvironment,
    });
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
    const lint = this.#lint.state();
    return {
      ...(lint === undefined ? {} : { lint }),
      host: hostname(),
      configPath: this.#configPath,
      configFoundBy: this.#foundBy,
      configProblems: [
        ...(this.#found?.config.reading.problems ?? []),
        ...(this.#found?.problems ?? []),
      ],
      places: [this.#notes.place],
      process: this.#process,
      blind: [...blindnessOf(this.#process), ...this.#notes.blind()],
      runners: this.#found?.runners ?? [],
      endpoints: this.#found?.endpoints ?? [],
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

function blindnessOf(found: RunnerProcess | undefined): readonly string[] {
  if (found === undefined || found.environment !== undefined) return [];
  return [
    `this user may not read the environment of process ${found.pid} (gitlab-runner), so its proxy settings are unknown`,
  ];
}
