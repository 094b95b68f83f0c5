/**
 * What the daemon stands on, looked at every few seconds: the runner's process, its config.toml, the
 * mount table. Says when something changed that the plan depends on.
 */
import { homedir, hostname } from 'node:os';

import { deadlineOf, withSignal } from '../core/abort.ts';
import type { HostContext } from '../core/check.ts';
import type { Clock, Instant } from '../core/clock.ts';
import type { Paths } from '../core/paths.ts';
import type { FoundBy, RunnerProcess } from '../core/reading.ts';
import type { LogSource } from '../core/runner-event.ts';
import type { Target } from '../core/target.ts';
import { certsDirectoryOf, locateConfig } from './config-location.ts';
import { RunnerFile } from './config-file.ts';
import type { FoundTargets } from './targets.ts';
import { targetsOf } from './targets.ts';
import { readDockerRoot } from '../host/docker/root.ts';
import type { FileSystemTable } from '../host/fs/file-system-table.ts';
import { readFileSystemTable } from '../host/fs/file-system-table.ts';
import type { PlanSettings } from '../checks/plan.ts';
import type { Mount } from '../host/fs/mounts.ts';
import { readMounts } from '../host/fs/mounts.ts';
import type { ProxyHint } from '../host/net/proxy-settings.ts';
import { readProxyHints, readUnitEnvironment } from '../host/net/proxy-settings.ts';
import { chooseRunnerProcess, findRunnerProcesses } from '../host/proc/runner-process.ts';
import { hasOtherNetwork } from '../host/net/network-namespace.ts';
import { hasSystemd } from '../host/systemd/systemd.ts';
import { LintWatch } from '../lint/lint-watch.ts';

/** The package's unit; another name shows up as its process without this unit. */
const UNIT = 'gitlab-runner.service';

const NOTES_SECONDS = 2;
const HUNG = `the unit, an environment file or a proxy setting of this host could not be read within ${NOTES_SECONDS} s, so what is written there is not known`;

interface Notes {
  readonly proxyHints: readonly ProxyHint[];
  readonly fstab: FileSystemTable;
  readonly meantReadOnly: readonly string[];
  readonly dockerRoot: string;
  readonly unitEnvironment?: Readonly<Record<string, string>>;
}

const NO_NOTES: Notes = {
  proxyHints: [],
  fstab: { writable: [], readOnly: [] },
  meantReadOnly: [],
  dockerRoot: '/var/lib/docker',
};

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
  #signature = '';
  #process: RunnerProcess | undefined;
  #configPath = '';
  #foundBy: FoundBy = 'default';
  #found: FoundTargets | undefined;
  #loadedAt: Instant | undefined;
  #loads = false;
  #looks = 0;
  #asked: Promise<Notes> | undefined;
  #notes: Notes = NO_NOTES;
  #isHung = false;
  readonly #seenWritable = new Set<string>();

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
    const seen = { ...(await this.#around(paths)), ...(await this.#log()), isElsewhere };
    const around = { ...seen, meantWritable: this.#writablePoints(seen) };
    this.#lint.look({
      configPath: located.path,
      content,
      modifiedAt: reading.modifiedAt,
      process: this.#process,
      unitEnvironment: around.unitEnvironment,
    });
    const apiTokenFile = this.#options.settings?.().apiTokenFile;
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
      unit: UNIT,
      homeDirectory: homedir(),
      systemId,
      ...around,
      apiTokenFile,
    });
    return true;
  }

  /** One read at a time, and none is waited for long: with a file that hangs, what was read before holds. */
  async #around(paths: Paths): Promise<Notes & { mounts: readonly Mount[] }> {
    this.#asked ??= readNotes(paths).finally(() => (this.#asked = undefined));
    using deadline = deadlineOf(NOTES_SECONDS);
    try {
      this.#notes = await withSignal(this.#asked, deadline.signal);
      this.#isHung = false;
    } catch {
      this.#isHung = true;
    }
    return { mounts: await readMounts(paths), ...this.#notes };
  }

  /** Mount points that were writable since we look, or are so by /etc/fstab. */
  #writablePoints({ mounts, fstab }: Notes & { mounts: readonly Mount[] }): readonly string[] {
    const points = new Set(mounts.map(({ mountPoint }) => mountPoint));
    for (const { mountPoint, superOptions } of mounts) {
      if (!superOptions.includes('ro')) this.#seenWritable.add(mountPoint);
    }
    for (const point of this.#seenWritable) {
      if (!points.has(point)) this.#seenWritable.delete(point);
    }
    return [...new Set([...this.#seenWritable, ...fstab.writable])];
  }

  /** The file that the settings name; else the journal, where systemd runs. */
  async #log(): Promise<{ readonly log?: LogSource }> {
    const { settings, paths } = this.#options;
    const path = settings?.().runnerLogFile;
    if (path !== undefined) return { log: { kind: 'file', path } };
    return (await hasSystemd(paths)) ? { log: { kind: 'journal', unit: UNIT } } : {};
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
      unit: UNIT,
      certsDirectory: certsDirectoryOf(this.#process, homedir()),
      process: this.#process,
      blind: [...blindnessOf(this.#process), ...(this.#isHung ? [HUNG] : [])],
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

/** What is written down on this host, and the targets depend on, beside the runner's own file and process. */
async function readNotes(paths: Paths): Promise<Notes> {
  const [proxyHints, unitEnvironment, fstab, dockerRoot] = await Promise.all([
    readProxyHints(UNIT, paths),
    readUnitEnvironment(UNIT, paths),
    readFileSystemTable(paths),
    readDockerRoot(paths),
  ]);
  const environment = unitEnvironment === undefined ? {} : { unitEnvironment };
  return { proxyHints, fstab, meantReadOnly: fstab.readOnly, dockerRoot, ...environment };
}

function processKey(found: RunnerProcess | undefined): readonly unknown[] {
  return found === undefined ? [] : [found.pid, found.startedAt, found.environment !== undefined];
}

function blindnessOf(found: RunnerProcess | undefined): readonly string[] {
  if (found === undefined || found.environment !== undefined) return [];
  return [
    `the environment of process ${found.pid} (gitlab-runner) cannot be read by this user, so its proxy settings are not known`,
  ];
}
