/**
 * Which containers that do not run are missed? One that a person stopped beside a runner that runs, one of long ago, and
 * one whose config.toml another runner uses are not. docs/reference/runner-places.md#containers-that-do-not-run.
 */
import { basename, dirname, join } from 'node:path';

import { deadlineOf, withSignal } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import type { Engine } from '../core/container.ts';
import type { Paths } from '../core/paths.ts';
import type { RunnerProcess } from '../core/reading.ts';
import type { StoppedRunner } from '../core/stopped-runner.ts';
import { readStoppedRunners } from '../host/docker/runner-containers.ts';
import { statIn } from '../host/fs/in-root.ts';
import { findProgram } from '../host/proc/runner-program.ts';
import { pathsOf } from '../host/proc/runner-process.ts';
import { findRunnerUnit } from '../host/systemd/unit-files.ts';

/** Without a runner that runs the engines are all there is to ask. */
const ASK_SECONDS = 60;
const ASK_BESIDE_SECONDS = 300;
/** Of the engines, and of the file systems on which the config files lie. */
const ANSWER_SECONDS = 5;
/** What nobody has started for so long is not missed. */
const RECENT_MILLISECONDS = 24 * 3600 * 1000;

export interface StoppedQuestion {
  readonly processes: readonly RunnerProcess[];
  /** Places of runners that were seen running and do not run now. */
  readonly gone: readonly string[];
  /** config.toml of a runner on the host that is not known otherwise. */
  readonly usualConfig: string;
  /** Those of the host. */
  readonly paths: Paths;
}

export interface Missed {
  readonly stopped: readonly StoppedRunner[];
  /** A runner on the host is missed too, or alone. */
  readonly isHostMissed: boolean;
}

interface Candidate {
  readonly runner: StoppedRunner;
  /** Each says which config.toml it has; none where that cannot be seen. */
  readonly config: readonly string[];
}

export class StoppedRunners {
  readonly #clock: Clock;
  /** By engine, so that one that does not answer now keeps what it said. */
  readonly #known = new Map<Engine, readonly Candidate[]>();
  #askedAtSeconds = -Infinity;
  #pending: Promise<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async missed(question: StoppedQuestion): Promise<Missed> {
    const { processes, gone, paths } = question;
    await this.#ask(processes.length > 0, paths);
    const candidates = await this.#unused(processes, paths);
    const recent = candidates.filter(
      ({ runner: { since, container } }) =>
        this.#clock.wall() - since <= RECENT_MILLISECONDS && !gone.includes(container.id),
    );
    const failed = recent.filter(({ runner }) => runner.hasFailed);
    if (processes.length > 0 || gone.length > 0)
      return { stopped: runnersOf(failed), isHostMissed: false };
    const running = candidates.filter(({ runner }) => runner.isRunning);
    if (running.length > 0) {
      const stopped = runnersOf([...new Set([...running, ...failed])]);
      return { stopped, isHostMissed: false };
    }
    const host = await hostOf(question);
    if (isHostMeant(host, recent)) return { stopped: runnersOf(failed), isHostMissed: true };
    const latest = recent.length === 0 ? candidates.slice(0, 1) : recent;
    return { stopped: runnersOf(latest), isHostMissed: latest.length === 0 };
  }

  /** The one on this config.toml, by whatever path. */
  async on(configPath: string, paths: Paths): Promise<StoppedRunner | undefined> {
    await this.#ask(false, paths);
    const wanted = await identitiesOf(configPath, paths);
    const candidates = await this.#unused([], paths);
    return candidates.find(({ config }) => isShared(config, wanted))?.runner;
  }

  /** One reading at a time: on a file system that hangs it has no end. */
  async #ask(isBeside: boolean, paths: Paths): Promise<void> {
    const pauseSeconds = isBeside ? ASK_BESIDE_SECONDS : ASK_SECONDS;
    if (this.#clock.seconds() - this.#askedAtSeconds < pauseSeconds) return;
    this.#askedAtSeconds = this.#clock.seconds();
    this.#pending ??= this.#read(paths).finally(() => (this.#pending = undefined));
    using deadline = deadlineOf(ANSWER_SECONDS);
    await withSignal(this.#pending, deadline.signal).catch(() => {});
  }

  async #read(paths: Paths): Promise<void> {
    for (const [engine, runners] of await readStoppedRunners(paths)) {
      const candidates = runners.map(async (runner) => {
        const { process } = runner;
        const config = await identitiesOf(process.configPath, pathsOf(process, paths));
        return { runner, config };
      });
      this.#known.set(engine, await Promise.all(candidates));
    }
  }

  /** The latest first; of several on one config.toml only the latest, and none where a process uses it. */
  async #unused(processes: readonly RunnerProcess[], paths: Paths): Promise<readonly Candidate[]> {
    const known = [...this.#known.values()].flat();
    if (known.length === 0) return [];
    const used = await Promise.all(
      processes.map(async (one) => await identitiesOf(one.configPath, rootOf(one, paths))),
    );
    const taken = used.flat();
    const places = processes.map(({ container }) => container?.id);
    const unused: Candidate[] = [];
    for (const one of known.toSorted((a, b) => orderOf(b.runner) - orderOf(a.runner))) {
      const { id } = one.runner.container;
      if (places.includes(id) || isShared(one.config, taken)) continue;
      places.push(id);
      taken.push(...one.config);
      unused.push(one);
    }
    return unused;
  }
}

function orderOf({ isRunning, since }: StoppedRunner): number {
  return isRunning ? Number.MAX_SAFE_INTEGER : since;
}

function runnersOf(candidates: readonly Candidate[]): readonly StoppedRunner[] {
  return candidates.map(({ runner }) => runner);
}

function rootOf(
  { pid, container }: RunnerProcess,
  { procfs, rootfs }: Paths,
): Pick<Paths, 'rootfs'> {
  return { rootfs: container === undefined ? rootfs : join(procfs, String(pid), 'root') };
}

/** Device and inode of the file; and of its folder, since an editor may put another file in its place. */
async function identitiesOf(
  path: string,
  root: Parameters<typeof statIn>[0],
): Promise<readonly string[]> {
  const name = basename(path);
  const [file, folder] = await Promise.all(
    [path, dirname(path)].map(async (one) => await statIn(root, one).catch(() => undefined)),
  );
  return [
    ...(file === undefined ? [] : [`${file.dev}:${file.ino}`]),
    ...(folder === undefined ? [] : [`${folder.dev}:${folder.ino}/${name}`]),
  ];
}

function isShared(one: readonly string[], two: readonly string[]): boolean {
  return one.some((identity) => two.includes(identity));
}

interface HostRunner {
  readonly isInstalled: boolean;
  readonly hasConfig: boolean;
  readonly config: readonly string[];
}

async function hostOf({ usualConfig, paths }: StoppedQuestion): Promise<HostRunner> {
  const [program, unit, file, config] = await Promise.all([
    findProgram(paths),
    findRunnerUnit(paths),
    statIn(paths, usualConfig).catch(() => undefined),
    identitiesOf(usualConfig, paths),
  ]);
  const isInstalled = program !== undefined || unit !== undefined;
  return { isInstalled, hasConfig: file !== undefined, config };
}

/** It is installed, and the containers that have run lately do not run in its place: on its config.toml, or as it has none. */
function isHostMeant(host: HostRunner, recent: readonly Candidate[]): boolean {
  if (!host.isInstalled || recent.length === 0) return host.isInstalled;
  return host.hasConfig && !recent.some(({ config }) => isShared(config, host.config));
}
