/**
 * One installation of the runner: its config.toml, the process that uses it and the place where it lives, as they were
 * read last. It remembers both while the process is gone.
 */
import type { Clock, Instant } from '../core/clock.ts';
import type { Container } from '../core/container.ts';
import type { RunnerContext } from '../core/host-context.ts';
import type { Paths } from '../core/paths.ts';
import type { Place } from '../core/place.ts';
import type { RunnerProcess, RunnerProgram } from '../core/reading.ts';
import type { PlanSettings } from '../core/settings.ts';
import type { StoppedRunner } from '../core/stopped-runner.ts';
import type { RunnerFileState } from './config-file.ts';
import { dialectOf } from '../config/runner/dialect.ts';
import { RunnerFile } from './config-file.ts';
import type { LocatedConfig } from './config-location.ts';
import type { Notes } from './host-notes.ts';
import { HostNotes } from './host-notes.ts';
import type { FoundTargets } from './targets.ts';
import { targetsOf } from './targets.ts';

/** config.toml as it was read last, and who uses it: what the linter judges. */
export interface ConfigSource {
  readonly paths: Paths;
  readonly configPath: string;
  readonly content: RunnerFileState['content'] | undefined;
  readonly modifiedAt: Instant | undefined;
  readonly process: RunnerProcess | undefined;
  readonly unitEnvironment: Readonly<Record<string, string>> | undefined;
  readonly unit: string | undefined;
}

export type SourceSettings = Pick<PlanSettings, 'runnerConfig' | 'runnerLogFile' | 'apiTokenFile'>;

/** Which file, and who uses it now. */
export interface Sighting {
  readonly located: LocatedConfig;
  readonly process: RunnerProcess | undefined;
  /** In which it runs, or ran last; absent on the host. */
  readonly container?: Container;
  /** Its engine alone has told of it. */
  readonly stopped?: StoppedRunner;
}

/** A runner that was started by hand for a test is not missed for ever. */
const FORGOTTEN_MILLISECONDS = 24 * 3600 * 1000;
/** Of a container that no engine names, another one may have taken the place. */
const FORGOTTEN_NAMELESS_MILLISECONDS = 5 * 60 * 1000;
/** The start of a process is known to a second or so. */
const CLOCK_MILLISECONDS = 2000;

/** What is known beside its config.toml. */
interface Known {
  readonly sighting: Sighting;
  readonly around: Notes;
  readonly program: RunnerProgram;
  readonly apiTokenFile: SourceSettings['apiTokenFile'];
}

export class Installation {
  readonly #clock: Clock;
  readonly #paths: Paths;
  readonly #file: RunnerFile;
  readonly #notes: HostNotes;
  #sighting: Sighting;
  #signature = '';
  #found: FoundTargets | undefined;
  #source: ConfigSource | undefined;
  #loadedAt: Instant | undefined;
  #loads = false;
  /** Not where it could not be read, as on a mount that hangs. */
  #isFileMissing = false;
  /** When a process was seen last. */
  #lastSeen: Instant | undefined;
  /** The process that runs, or ran last. */
  #last: RunnerProcess | undefined;
  /** While it does not run. */
  #program: RunnerProgram | undefined;
  /** config.toml of a runner in a container, as the host sees it. */
  #configOnHost: string | undefined;

  constructor(clock: Clock, paths: Paths, sighting: Sighting) {
    this.#clock = clock;
    this.#paths = paths;
    this.#file = new RunnerFile(clock);
    this.#notes = new HostNotes(paths);
    this.#sighting = sighting;
  }

  /** Reads everything again; true when targets may have changed. */
  async read(sighting: Sighting, settings: SourceSettings): Promise<boolean> {
    const { runnerLogFile: logFile, apiTokenFile } = settings;
    const known = { ...(await this.#readAround(sighting, logFile)), sighting, apiTokenFile };
    const { place } = known.around;
    this.#remember(known);
    if (isGone(place)) return this.#isOther(sighting, known.around);
    const { toml } = dialectOf(known.program);
    const file = await this.#file.read(sighting.located, place.paths, toml);
    // Its files ended with it while they were read.
    if (isGone(place)) return false;
    const hasEnded = place.isThere?.() === false && sighting.stopped === undefined;
    return hasEnded ? this.#keepBeside(known, file) : this.#take(known, file);
  }

  #remember({ sighting, around, program }: Known): void {
    this.#sighting = sighting;
    this.#program = sighting.process === undefined ? program : undefined;
    if (sighting.process === undefined) return;
    this.#lastSeen = this.#clock.wall();
    this.#configOnHost = around.place.configOnHost ?? this.#configOnHost;
  }

  #take(known: Known, file: RunnerFileState): boolean {
    const { sighting, around, program, apiTokenFile } = known;
    const { process, located, stopped } = sighting;
    const { reading, document, changed, systemId, content } = file;
    const { paths, unit } = around.place;
    const { modifiedAt } = reading;
    const { unitEnvironment } = around;
    const configPath = located.path;
    const source = { paths, configPath, content, modifiedAt, process, unitEnvironment, unit };
    // Of one that only its engine knows the linter could not see the files that config.toml names.
    this.#source = stopped === undefined ? source : undefined;
    this.#isFileMissing = reading.problems.some(({ code }) => code === 'missing');
    this.#loads = reading.problems.length === 0;
    if (this.#loads && changed) this.#loadedAt = this.#clock.wall();
    const isOther = this.#isOther(sighting, around, [systemId, apiTokenFile]);
    if (!changed && !isOther) return false;
    this.#found = targetsOf({
      document,
      reading,
      process,
      program,
      systemId,
      ...around,
      apiTokenFile,
    });
    return true;
  }

  /** Its container does not run now: what was known of it holds, but for a config.toml that is read on the host. */
  #keepBeside({ sighting, around }: Known, { reading, changed }: RunnerFileState): boolean {
    const isOther = this.#isOther(sighting, around);
    if (reading.modifiedAt === undefined || !changed) return isOther;
    this.#loads = reading.problems.length === 0;
    const found = this.#found;
    if (found !== undefined) this.#found = { ...found, config: { ...found.config, reading } };
    return true;
  }

  async #readAround({ located, process, stopped }: Sighting, logFile: string | undefined) {
    const paths = this.#paths;
    this.#last = process ?? stopped?.process ?? this.#last;
    const question = { process, last: this.#last, configPath: located.path, logFile, paths };
    const around = await this.#notes.read(question);
    return { around, program: process ?? programOf(around) };
  }

  #isOther({ located, process }: Sighting, around: Notes, more: readonly unknown[] = []): boolean {
    const signature = JSON.stringify([located.path, processKey(process), around, ...more]);
    if (signature === this.#signature) return false;
    this.#signature = signature;
    return true;
  }

  get hasRun(): boolean {
    return this.#lastSeen !== undefined;
  }

  /** Undefined before its first process. */
  get lastSeen(): Instant | undefined {
    return this.#lastSeen;
  }

  get isGoneContainer(): boolean {
    const { process, container } = this.#sighting;
    return process === undefined && container !== undefined;
  }

  /** Nothing starts it again, and it has not run for long, or its config.toml is gone. */
  get isForgotten(): boolean {
    const { process, container } = this.#sighting;
    if (this.#lastSeen === undefined || process !== undefined) return false;
    if (this.#notes.place.isManaged) return false;
    const isNameless = container?.isNamedById === true;
    const limit = isNameless ? FORGOTTEN_NAMELESS_MILLISECONDS : FORGOTTEN_MILLISECONDS;
    const isOld = this.#clock.wall() - this.#lastSeen > limit;
    return isOld || this.#isFileMissing;
  }

  /** What runs here has taken the place of that one. */
  replaces(other: Installation): boolean {
    const { process } = this.#sighting;
    if (process === undefined || other.#sighting.process !== undefined) return false;
    const isSamePlace = this.#notes.place.id === other.#notes.place.id;
    const isNext = process.startedAt > (other.#lastSeen ?? 0) - CLOCK_MILLISECONDS;
    return (isSamePlace && isNext) || this.#replacesContainer(process, other);
  }

  /** Its container is known by another name by now, or a later one runs on its config.toml. */
  #replacesContainer({ pid, startedAt }: RunnerProcess, other: Installation): boolean {
    const last = other.#last;
    if (!other.isGoneContainer || last === undefined) return false;
    const laterMilliseconds = startedAt - last.startedAt;
    if (pid === last.pid && Math.abs(laterMilliseconds) <= CLOCK_MILLISECONDS) return true;
    const { located, container } = this.#sighting;
    const config = container === undefined ? located.path : this.#configOnHost;
    return config !== undefined && config === other.#configOnHost && laterMilliseconds > 0;
  }

  get sighting(): Sighting {
    return this.#sighting;
  }

  /** Undefined before the first reading. */
  get source(): ConfigSource | undefined {
    return this.#source;
  }

  /** Undefined before the first reading. */
  get targets(): FoundTargets | undefined {
    return this.#found;
  }

  context(): RunnerContext {
    const { located, process } = this.#sighting;
    const found = this.#found;
    return {
      place: this.#notes.place,
      process,
      ...(this.#program === undefined ? {} : { program: this.#program }),
      configPath: located.path,
      configFoundBy: located.foundBy,
      configLoad: { successful: this.#loads, successAt: this.#loadedAt },
      configProblems: [...(found?.config.reading.problems ?? []), ...(found?.problems ?? [])],
      blind: [...limitationsOf(process, this.#notes.place), ...this.#notes.unreadable()],
      runners: found?.runners ?? [],
      endpoints: found?.endpoints ?? [],
    };
  }
}

function programOf({ installed, unitEnvironment }: Notes): RunnerProgram {
  return {
    ...(installed === undefined ? {} : { go: installed }),
    ...(unitEnvironment === undefined ? {} : { environment: unitEnvironment }),
  };
}

function processKey(found: RunnerProcess | undefined): readonly unknown[] {
  if (found === undefined) return [];
  // It changes into its working directory, and to its user, after its start.
  const { pid, startedAt, environment, workingDirectory, uid, groups } = found;
  return [pid, startedAt, environment !== undefined, workingDirectory, uid, groups];
}

/** Of a container that has ended nothing can be read any more but what is mounted from the host. */
function isGone({ isThere, paths }: Place): boolean {
  return paths.volumes === undefined && isThere?.() === false;
}

function limitationsOf(
  found: RunnerProcess | undefined,
  { closed, unseen, isWatchedFromContainer, withoutGroups }: Place,
): readonly string[] {
  if (unseen !== undefined && isWatchedFromContainer === true) return [unseen];
  if (found === undefined) return [];
  const groups = withoutGroups === undefined ? [] : [withoutGroups];
  if (closed !== undefined) return [closed, ...groups];
  if (found.environment !== undefined) return groups;
  return [
    ...groups,
    `this user may not read the environment of process ${found.pid} (gitlab-runner), so its proxy settings are unknown`,
  ];
}
