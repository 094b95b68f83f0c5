/**
 * Where does the runner run, and what starts it? In a container its engine does. On the host the control group of the process names its systemd unit; otherwise the
 * script in /etc/init.d whose pid file names it; otherwise a person started it. While there is no process, the last
 * one decides, and before the first one what is installed.
 */
import { readlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';

import type { Container } from '../core/container.ts';
import type { Paths, Volume } from '../core/paths.ts';
import type { Place } from '../core/place.ts';
import type { RunnerProcess } from '../core/reading.ts';
import type { LogSource } from '../core/runner-event.ts';
import { volumeHolding } from '../host/fs/host-path.ts';
import type { Mount } from '../host/fs/mounts.ts';
import { readMounts } from '../host/fs/mounts.ts';
import { NO_REAL_PATHS, readRealPaths } from '../host/fs/real-paths.ts';
import { watchedFromContainer } from '../host/place/beside.ts';
import type { ContainerPlace } from '../host/place/in-container.ts';
import { placeInContainer } from '../host/place/in-container.ts';
import { placeUnseen } from '../host/place/in-pod.ts';
import { isInContainer, readOwnContainer } from '../host/place/own-container.ts';
import { pathsOf } from '../host/proc/runner-process.ts';
import { findInitScript } from '../host/place/sysv-script.ts';
import type { HostServices } from '../host/place/host-services.ts';
import { firstThere, readHostServices } from '../host/place/host-services.ts';
import type { Manager } from '../host/place/on-host.ts';
import { placeOnHost } from '../host/place/on-host.ts';
import { PACKAGED_UNIT } from '../host/place/packaged.ts';
import { certsDirectoryOf, runnerFiles, USER_DIRECTORY } from '../host/place/runner-files.ts';
import { obstacleTo } from '../host/net/network.ts';
import { seesGroups } from '../host/proc/control-group.ts';
import { readProcessUnit } from '../host/proc/process-unit.ts';
import { findProgram, PROGRAM_PATHS } from '../host/proc/runner-program.ts';
import { userName } from '../host/proc/users.ts';
import { findRunnerUnit, readUnitFiles, serviceSetting } from '../host/systemd/unit-files.ts';

export interface PlaceQuestion {
  readonly process: RunnerProcess | undefined;
  /** The one that runs, or ran last. */
  readonly last?: RunnerProcess | undefined;
  /** config.toml as the runner sees it. */
  readonly configPath: string;
  /** `runner_log_file` of our own settings. */
  readonly logFile: string | undefined;
  readonly paths: Paths;
}

type BesideQuestion = PlaceQuestion & Pick<ContainerPlace, 'isBeside'>;
type RunnerInContainer = RunnerProcess & { readonly container: Container };

/** A runner that runs, or ran last, on a config file. */
interface KnownRunner {
  readonly process: RunnerProcess;
  readonly manager: Manager;
  readonly log: LogSource | undefined;
  /** That holds its config.toml. */
  readonly volume?: Volume | undefined;
}

/** Remembers the last runner process, since what started that one also starts the next one. */
export class PlaceFinder {
  #last: KnownRunner | undefined;

  async find(question: PlaceQuestion): Promise<Place> {
    const place = await this.#find(question);
    if (!(await isInContainer(question.paths))) return place;
    const { process, paths } = question;
    const isSeen = process === undefined || (await seesGroups(process.pid, paths));
    return { ...watchedFromContainer(place), ...(isSeen ? {} : withoutGroups(paths)) };
  }

  async #find(question: PlaceQuestion): Promise<Place> {
    const { process, last, paths } = question;
    const [services, around] = await Promise.all([
      readHostServices(paths),
      readOwnContainer(paths),
    ]);
    const own = process ?? last ?? this.#last?.process;
    if (own !== undefined && hasContainer(own))
      return await this.#findInContainer(own, services, {
        ...question,
        isBeside: around?.kind === 'container',
      });
    if (own === undefined && around !== undefined)
      return placeUnseen(around, { ...question, services });
    return await this.#findOnHost(question, services);
  }

  async #findInContainer(
    own: RunnerInContainer,
    services: HostServices,
    question: BesideQuestion,
  ): Promise<Place> {
    const { process, configPath, paths, isBeside } = question;
    // Beside it the first process is its own.
    const [inside, onHost] = await Promise.all([
      readMounts(paths, own.pid),
      isBeside ? [] : readMounts(paths),
    ]);
    const mounts = { inside, onHost };
    const { rootfs } = paths;
    const seen = volumeHolding(configPath, inside, { onHost, rootfs });
    // One that has ended shows no mounts.
    const volume = inside.length === 0 ? this.#last?.volume : seen;
    this.#last = { process: own, manager: { kind: 'by-hand' }, log: undefined, volume };
    const isEnded = process === undefined && own.volumes === undefined && volume !== undefined;
    const started = isEnded ? { ...own, volumes: [volume] } : own;
    return await placeOfContainer(started, mounts, services, question);
  }

  async #findOnHost(question: PlaceQuestion, services: HostServices): Promise<Place> {
    const { process, configPath, paths } = question;
    if (process !== undefined) {
      const manager = await managerOf(process, services, paths);
      this.#last = { process, manager, log: await logOf(question, manager) };
    }
    const last = this.#last?.process.configPath === configPath ? this.#last : undefined;
    const manager = last?.manager ?? (await installedManager(services, paths));
    const log = last === undefined ? await logOf(question, manager) : last.log;
    const started = last?.process;
    const home = started?.environment?.['HOME'];
    const seen = process === undefined ? paths : pathsOf(process, paths);
    const closed = obstacleTo(seen);
    return placeOnHost({
      manager,
      paths: seen,
      hostPaths: seen.network === undefined ? undefined : paths,
      closed,
      user: await userOf(started, manager, paths),
      program: await programOf(started, paths),
      files: runnerFiles(configPath, certsOf(started), home),
      started,
      isRunning: process !== undefined,
      log,
      ...services,
    });
  }
}

function withoutGroups({ sysfs }: Paths): Pick<Place, 'withoutGroups'> {
  return { withoutGroups: `the control groups of the runner are not in ${sysfs}/fs/cgroup` };
}

function hasContainer(one: RunnerProcess): one is RunnerInContainer {
  return one.container !== undefined;
}

async function placeOfContainer(
  started: RunnerInContainer,
  mounts: { readonly inside: readonly Mount[]; readonly onHost: readonly Mount[] },
  services: HostServices,
  { process, configPath, logFile, paths, isBeside }: BesideQuestion,
): Promise<Place> {
  const { uid, container } = started;
  const own = pathsOf(started, paths);
  const home = started.environment?.['HOME'];
  const others = [certsOf(started), started.workingDirectory ?? '/', home ?? '/'];
  const [user, realPaths] = await Promise.all([
    userName(uid, own),
    process === undefined
      ? NO_REAL_PATHS
      : readRealPaths({ inside: own, onHost: paths, mounts, configPath, others }),
  ]);
  return placeInContainer({
    container,
    started,
    isRunning: process !== undefined,
    closed: started.closed ?? obstacleTo(own),
    configPath,
    user,
    logFile,
    paths,
    mounts,
    realPaths,
    services,
    isBeside,
  });
}

/** Of a user whose home is not known, those of this daemon's user. */
function certsOf(started: RunnerProcess | undefined): string {
  return certsDirectoryOf(started) ?? join(homedir(), USER_DIRECTORY, 'certs');
}

async function managerOf(
  { pid }: RunnerProcess,
  { host }: HostServices,
  paths: Paths,
): Promise<Manager> {
  const found = await (host.hasSystemd ? runningUnit(pid, paths) : scriptOf(pid, paths));
  return found ?? { kind: 'by-hand' };
}

async function installedManager({ host }: HostServices, paths: Paths): Promise<Manager> {
  const found = await (host.hasSystemd ? installedUnit(paths) : scriptOf(undefined, paths));
  return found ?? { kind: 'by-hand' };
}

async function scriptOf(pid: number | undefined, paths: Paths): Promise<Manager | undefined> {
  const script = await findInitScript(pid, paths);
  return script === undefined ? undefined : { kind: 'sysv', ...script };
}

/** Without a process: the unit that is there; on a host without the program the one that its package would bring. */
async function installedUnit(paths: Paths): Promise<Manager | undefined> {
  const unit = await findRunnerUnit(paths);
  if (unit !== undefined) return { kind: 'systemd', unit };
  const program = await findProgram(paths);
  return program === undefined ? { kind: 'systemd', unit: PACKAGED_UNIT } : undefined;
}

/** A service that only happened to start it, such as cron or a supervisor, does not count. */
async function runningUnit(pid: number, paths: Paths): Promise<Manager | undefined> {
  const found = await readProcessUnit(pid, paths);
  if (found.kind === 'unknown') return await installedUnit(paths);
  if (found.kind === 'other') return undefined;
  const { unit, ownerId } = found;
  if (ownerId !== undefined) return { kind: 'systemd-user', unit, ownerId };
  const files = await readUnitFiles(unit, paths);
  const isOwn = files.length === 0 || files.some(({ text }) => text.includes('gitlab-runner'));
  return isOwn ? { kind: 'systemd', unit } : undefined;
}

/** The file in our settings; otherwise the file that the process writes to; otherwise the journal of its unit. */
async function logOf(
  { process, logFile, paths }: PlaceQuestion,
  manager: Manager,
): Promise<LogSource | undefined> {
  if (logFile !== undefined) return { kind: 'file', path: logFile };
  const written = process === undefined ? undefined : await errorFile(process.pid, paths);
  if (written !== undefined) return { kind: 'file', path: written };
  switch (manager.kind) {
    case 'systemd':
      return { kind: 'journal', unit: manager.unit };
    case 'systemd-user':
      return { kind: 'journal', unit: manager.unit, ownerId: manager.ownerId };
    case 'sysv':
    case 'by-hand':
      return undefined;
  }
}

/** The file behind its standard error: no terminal, no pipe, no device, and still there. */
async function errorFile(pid: number, paths: Paths): Promise<string | undefined> {
  const target = await readlink(join(paths.procfs, `${pid}/fd/2`)).catch(() => '');
  const isFile = target.startsWith('/') && !target.startsWith('/dev/');
  return isFile ? await firstThere([target], paths) : undefined;
}

/** The user of the process; while there is none, the user in the unit, otherwise root. */
async function userOf(
  process: RunnerProcess | undefined,
  manager: Manager,
  paths: Paths,
): Promise<Place['user']> {
  if (process !== undefined) {
    const { uid } = process;
    return { uid, name: await userName(uid, paths) };
  }
  const files = manager.kind === 'systemd' ? await readUnitFiles(manager.unit, paths) : [];
  return { name: serviceSetting(files, 'User') ?? 'root' };
}

/** As a person types it: only its name if a package installed it on PATH. */
async function programOf(process: RunnerProcess | undefined, paths: Paths): Promise<string> {
  const [program] = process?.arguments ?? [];
  const given = program ?? (await findProgram(paths)) ?? 'gitlab-runner';
  if (given === PROGRAM_PATHS[0]) return basename(given);
  return given.includes('/') ? resolve(process?.workingDirectory ?? '/', given) : given;
}
