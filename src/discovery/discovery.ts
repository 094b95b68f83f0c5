/**
 * The host context of the daemon, read every few seconds: the runners' processes, their config.toml, the mount table.
 * Says when something changed that the plan depends on.
 */
import { homedir, hostname } from 'node:os';

import type { Clock } from '../core/clock.ts';
import type { HostContext } from '../core/host-context.ts';
import type { Paths } from '../core/paths.ts';
import type { RunnerProcess } from '../core/reading.ts';
import type { StoppedRunner } from '../core/stopped-runner.ts';
import type { Target } from '../core/target.ts';
import { processesUsing } from '../host/fs/same-file.ts';
import { chooseRunnerProcess, findRunnerProcesses, pathsOf } from '../host/proc/runner-process.ts';
import { locateConfig } from './config-location.ts';
import type { ConfigSource, Sighting, SourceSettings } from './installation.ts';
import { Installation } from './installation.ts';
import type { Found } from './neighbours.ts';
import { allTargets, separateInstallations } from './neighbours.ts';
import { StoppedRunners } from './stopped-runners.ts';

export interface DiscoveryOptions {
  readonly paths: Paths;
  readonly clock: Clock;
  /** `--config.file`. */
  readonly settingsFile?: string | undefined;
}

/** What makes containers may give each a name of its own. */
const MAX_GONE_CONTAINERS = 10;

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #stopped: StoppedRunners;
  #installations: readonly Installation[];
  #found: readonly Found[];
  #readings = 0;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#stopped = new StoppedRunners(options.clock);
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

  /** Without those that another one has replaced, and those that a person ran for a while. */
  #remaining(all: readonly Installation[]): readonly Installation[] {
    const wanted = all.filter((one) => !one.isForgotten && !all.some((two) => two.replaces(one)));
    const tooMany = wanted
      .filter(({ isGoneContainer }) => isGoneContainer)
      .toSorted((a, b) => (b.lastSeen ?? 0) - (a.lastSeen ?? 0))
      .slice(MAX_GONE_CONTAINERS);
    const left = wanted.filter((one) => !tooMany.includes(one));
    return left.length === 0 ? all.slice(0, 1) : left;
  }

  #separateInstallations(): readonly Found[] {
    return separateInstallations(
      this.#installations.map((one) => ({ context: one.context(), targets: one.targets })),
    );
  }

  /** Its next process in the pod of runnerwatch has the same place. */
  #lastInPod(chosen: Sighting): Sighting {
    const last = this.#installations.find(
      ({ sighting: { container, located } }) =>
        container?.pod !== undefined && located.path === chosen.located.path,
    );
    return last === undefined ? chosen : goneSighting(last);
  }

  /** By its container, and the path of its config.toml there. */
  #at(wanted: Sighting): Installation | undefined {
    return this.#installations.find(({ sighting }) => keyOf(sighting) === keyOf(wanted));
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
      const chosen = await this.#chosenSighting(processes, wanted);
      return [chosen.process === undefined ? this.#lastInPod(chosen) : chosen];
    }
    const running = await onDifferentFiles(processes, paths);
    const { stopped, isHostMissed } = await this.#stopped.missed({
      processes,
      gone: this.#installations
        .filter(({ hasRun }) => hasRun)
        .map(({ sighting }) => placeOf(sighting)),
      usualConfig: sightingOf(undefined).located.path,
      paths,
    });
    const found = [
      ...running.map((process) => sightingOf(process)),
      ...stopped.map((one) => stoppedSighting(one)),
      ...(isHostMissed ? [sightingOf(undefined)] : []),
    ];
    const known = this.#installations.flatMap((one): readonly Sighting[] => {
      const key = keyOf(one.sighting);
      const now = found.find((sighting) => keyOf(sighting) === key);
      if (now !== undefined) return [now];
      return one.hasRun ? [goneSighting(one)] : [];
    });
    const seen = new Set(known.map((sighting) => keyOf(sighting)));
    const added = found
      .filter((sighting) => !seen.has(keyOf(sighting)))
      .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    return [...known, ...added];
  }

  /** The one on the wanted file; in a container that mounts the file, it is known there by another path. */
  async #chosenSighting(processes: readonly RunnerProcess[], wanted: string): Promise<Sighting> {
    const { paths } = this.#options;
    const using = await processesUsing(wanted, processes, paths);
    const onHost = chooseRunnerProcess(
      using.filter(({ container }) => container === undefined),
      wanted,
    );
    if (onHost !== undefined) return sightingOf(onHost, wanted);
    const inside = using.find(({ container }) => container !== undefined);
    if (inside !== undefined) return sightingOf(inside);
    const stopped = await this.#stopped.on(wanted, paths);
    return stopped === undefined ? sightingOf(undefined, wanted) : stoppedSighting(stopped);
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
  const { container } = found ?? {};
  return { located, process: found, ...(container === undefined ? {} : { container }) };
}

function stoppedSighting(stopped: StoppedRunner): Sighting {
  const { process, container } = stopped;
  const located = { path: process.configPath, foundBy: process.configFoundBy };
  return { located, process: undefined, container, stopped };
}

function placeOf({ container }: Sighting): string {
  return container?.id ?? '';
}

/** Those on the host come before those in containers. */
function keyOf({ located, container }: Sighting): string {
  return container === undefined ? located.path : `~${container.id} ${located.path}`;
}

/** The file of one that does not run; that of the usual path is found by default. */
function goneSighting({ sighting: { located, container } }: Installation): Sighting {
  if (container !== undefined) return { located, process: undefined, container };
  const usual = sightingOf(undefined).located;
  return { located: usual.path === located.path ? usual : located, process: undefined };
}

function withoutLog({ runnerLogFile: _file, ...settings }: SourceSettings): SourceSettings {
  return settings;
}

/** The eldest process on each config file of each place. */
async function onDifferentFiles(
  processes: readonly RunnerProcess[],
  paths: Paths,
): Promise<readonly RunnerProcess[]> {
  const [first, ...others] = processes;
  if (first === undefined) return [];
  const neighbours = processes.filter(({ container }) => container?.id === first.container?.id);
  const same = await processesUsing(first.configPath, neighbours, pathsOf(first, paths));
  return [
    first,
    ...(await onDifferentFiles(
      others.filter((one) => !same.includes(one)),
      paths,
    )),
  ];
}
