/**
 * The host context of the daemon, read every few seconds: the runners' processes, their config.toml, the mount table.
 * Says when something changed that the plan depends on.
 */
import { homedir, hostname } from 'node:os';

import type { Clock } from '../core/clock.ts';
import type { HostContext } from '../core/host-context.ts';
import type { Paths } from '../core/paths.ts';
import type { RunnerProcess } from '../core/reading.ts';
import type { Target } from '../core/target.ts';
import { processesUsing } from '../host/fs/same-file.ts';
import { chooseRunnerProcess, findRunnerProcesses } from '../host/proc/runner-process.ts';
import type { LocatedConfig } from './config-location.ts';
import { locateConfig } from './config-location.ts';
import type { ConfigSource, Sighting, SourceSettings } from './installation.ts';
import { Installation } from './installation.ts';
import type { Found } from './neighbours.ts';
import { allTargets, separateInstallations } from './neighbours.ts';

export interface DiscoveryOptions {
  readonly paths: Paths;
  readonly clock: Clock;
  /** `--config.file`. */
  readonly settingsFile?: string | undefined;
}

export class Discovery {
  readonly #options: DiscoveryOptions;
  #installations: readonly Installation[];
  #found: readonly Found[];
  #readings = 0;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#installations = [this.#newAt(sightingOf(undefined))];
    this.#found = this.#separateInstallations();
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

  /** Undefined before the first reading; by the id of its place. */
  configSources(): ReadonlyMap<string, ConfigSource> {
    return new Map(
      this.#installations.flatMap(({ source }, index) => {
        const place = this.#found[index]?.context.place;
        return source === undefined || place === undefined ? [] : [[place.id, source]];
      }),
    );
  }

  targets(): readonly Target[] {
    return allTargets(this.#found);
  }

  hostContext(): HostContext {
    const [first, ...others] = this.#found.map(({ context }) => context);
    if (first === undefined) throw new Error('a host has one installation at least');
    const { settingsFile } = this.#options;
    return {
      host: hostname(),
      contexts: [first, ...others],
      ...(settingsFile === undefined ? {} : { settingsFile }),
    };
  }

  async #read(settings: SourceSettings): Promise<boolean> {
    const sightings = await this.#sightings(settings.runnerConfig);
    const before = this.#installations;
    const wanted = sightings.map((sighting) => ({
      sighting,
      installation: this.#at(sighting) ?? this.#newAt(sighting),
    }));
    const changed = await Promise.all(
      wanted.map(
        async ({ installation, sighting }, index) =>
          // The log file of our settings is that of one runner.
          await installation.read(sighting, index === 0 ? settings : withoutLog(settings)),
      ),
    );
    this.#installations = this.#remaining(wanted.map(({ installation }) => installation));
    this.#found = this.#separateInstallations();
    const isOther = this.#installations.some((one, index) => one !== before[index]);
    return isOther || this.#installations.length !== before.length || changed.includes(true);
  }

  /** Without those whose place runs another config.toml by now, and those that a person ran for a while. */
  #remaining(all: readonly Installation[]): readonly Installation[] {
    const left = all.filter((one) => !one.isForgotten && !all.some((other) => other.replaces(one)));
    return left.length === 0 ? all.slice(0, 1) : left;
  }

  #separateInstallations(): readonly Found[] {
    return separateInstallations(
      this.#installations.map((one) => ({ context: one.context(), targets: one.targets })),
    );
  }

  /** By the path of its config.toml. */
  #at({ located }: Sighting): Installation | undefined {
    return this.#installations.find(({ sighting }) => sighting.located.path === located.path);
  }

  #newAt(sighting: Sighting): Installation {
    const { clock, paths } = this.#options;
    return new Installation(clock, paths, sighting);
  }

  /** Those that were there before come first, in the same order; a host without a runner has one that does not run. */
  async #sightings(wanted: string | undefined): Promise<readonly Sighting[]> {
    const { paths } = this.#options;
    const processes = await findRunnerProcesses(paths);
    if (wanted !== undefined) {
      return [sightingOf(chooseRunnerProcess(processes, wanted), wanted)];
    }
    const running = await onDifferentFiles(processes, paths);
    const found = running.map((process) => sightingOf(process));
    const known = this.#installations.flatMap((one): readonly Sighting[] => {
      const { path } = one.sighting.located;
      const now = found.find(({ located }) => located.path === path);
      if (now !== undefined) return [now];
      return one.hasRun ? [{ located: locatedWithout(one), process: undefined }] : [];
    });
    const seen = new Set(known.map(({ located }) => located.path));
    const added = found
      .filter(({ located }) => !seen.has(located.path))
      .toSorted((a, b) => (a.located.path < b.located.path ? -1 : 1));
    const all = [...known, ...added];
    return all.length === 0 ? [sightingOf(undefined)] : all;
  }
}

/** `wanted`: `--runner.config`, or its setting. */
function sightingOf(found: RunnerProcess | undefined, wanted?: string): Sighting {
  const located = locateConfig({
    ...(wanted === undefined ? {} : { flag: wanted }),
    process: found,
    uid: process.getuid?.() ?? 0,
    home: homedir(),
  });
  return { located, process: found };
}

/** The file of one that does not run; that of the usual path is found by default. */
function locatedWithout({ sighting: { located } }: Installation): LocatedConfig {
  const usual = sightingOf(undefined).located;
  return usual.path === located.path ? usual : located;
}

function withoutLog({ runnerLogFile: _file, ...settings }: SourceSettings): SourceSettings {
  return settings;
}

/** The eldest process on each config file. */
async function onDifferentFiles(
  processes: readonly RunnerProcess[],
  paths: Paths,
): Promise<readonly RunnerProcess[]> {
  const [first, ...others] = processes;
  if (first === undefined) return [];
  const same = await processesUsing(first.configPath, processes, paths);
  return [
    first,
    ...(await onDifferentFiles(
      others.filter((one) => !same.includes(one)),
      paths,
    )),
  ];
}
