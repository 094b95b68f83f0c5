/**
 * The containers of runners that do not run, as the engines of root tell of them: stopped, killed, between two starts, or
 * never started.
 *
 * Promises: ends within a few seconds; an engine is asked for its list and for at most 20 containers of it; nothing of a
 * container is read but what its engine says.
 */
import { basename, dirname, join } from 'node:path';

import { deadlineOf } from '../../core/abort.ts';
import type { Engine } from '../../core/container.ts';
import type { Paths, Volume } from '../../core/paths.ts';
import type { RunnerProcess } from '../../core/reading.ts';
import type { StoppedRunner } from '../../core/stopped-runner.ts';
import { asProcessSees, USER_DIRECTORY } from '../place/runner-files.ts';
import { configOf, parseEnvironment } from '../proc/runner-process.ts';
import { DockerApi } from './api.ts';
import { ENGINE_SOCKETS, readContainer } from './container-name.ts';
import { instantOf } from './container-state.ts';
import { isConfigFolder, isForeign, runnerWordsOf } from './runner-container.ts';

const ANSWER_SECONDS = 3;
const MAX_LIST_BYTES = 4 * 1024 * 1024;
const MAX_INSPECTED = 20;
/** After so many automatic restarts it may run for a moment only. */
const LOOP_RESTARTS = 3;
/** By a signal with which a person or an engine ends it: HUP, INT, QUIT, KILL, TERM. */
const STOPPED_BY_SIGNAL: ReadonlySet<unknown> = new Set([129, 130, 131, 137, 143]);
/** The engine gives the name of a user that is not root, and no number. */
const SOME_USER = 65_534;
const ENDED: ReadonlySet<unknown> = new Set(['exited', 'stopped']);
const GOING: ReadonlySet<unknown> = new Set(['dead', 'removing', 'paused']);

/** By engine; absent for one that does not answer. */
export type EngineAnswers = ReadonlyMap<Engine, readonly StoppedRunner[]>;

/** `paths`: those of the host. */
export async function readStoppedRunners(paths: Paths): Promise<EngineAnswers> {
  using deadline = deadlineOf(ANSWER_SECONDS);
  const answers = await Promise.all(
    [...ENGINE_SOCKETS].map(async ([engine, socket]) => {
      const one = new EngineReader(engine, socket, paths, deadline.signal);
      return await one.read().then(
        (found) => [[engine, found] as const],
        () => [],
      );
    }),
  );
  return new Map(answers.flat());
}

interface Listed {
  readonly Id?: unknown;
  readonly Image?: unknown;
  readonly Command?: unknown;
  readonly State?: unknown;
  readonly Labels?: unknown;
  readonly Mounts?: unknown;
}

interface Inspected {
  readonly Created?: unknown;
  readonly Path?: unknown;
  readonly Args?: unknown;
  readonly RestartCount?: unknown;
  readonly State?: Readonly<Record<string, unknown>>;
  readonly Config?: Readonly<Record<string, unknown>>;
  readonly HostConfig?: {
    readonly RestartPolicy?: { readonly Name?: unknown; readonly MaximumRetryCount?: unknown };
  };
  readonly Mounts?: unknown;
}

class EngineReader {
  readonly #engine: Engine;
  readonly #paths: Paths;
  readonly #signal: AbortSignal;
  readonly #api: DockerApi;

  constructor(engine: Engine, socket: string, paths: Paths, signal: AbortSignal) {
    this.#engine = engine;
    this.#paths = paths;
    this.#signal = signal;
    this.#api = new DockerApi({ address: { kind: 'socket', path: socket }, paths });
  }

  /** Rejects where the engine does not answer. */
  async read(): Promise<readonly StoppedRunner[]> {
    const listed = await this.#get('/containers/json?all=1');
    if (!Array.isArray(listed)) throw new Error('no list of containers');
    // The engine lists the latest first.
    const possible = (listed as readonly Listed[]).filter((one) => mayBeRunner(one));
    const wanted = possible.toSorted((a, b) => Number(isNamed(b)) - Number(isNamed(a)));
    const found = await Promise.all(
      wanted.slice(0, MAX_INSPECTED).map(async ({ Id: id }) => await this.#inspect(textOf(id))),
    );
    return found.flatMap((one) => one ?? []);
  }

  async #get(path: string): Promise<unknown> {
    const { status, body } = await this.#api.get(path, this.#signal, MAX_LIST_BYTES);
    if (status !== 200) throw new Error(`${status} for ${path}`);
    return JSON.parse(body);
  }

  /** Undefined for one that is no runner's, or has gone meanwhile. */
  async #inspect(id: string): Promise<StoppedRunner | undefined> {
    if (!/^[0-9a-f]{64}$/.test(id)) return undefined;
    const about = (await this.#get(`/containers/${id}/json`).catch(() => undefined)) as
      | Inspected
      | undefined;
    const words = about && wordsOf(about);
    if (about === undefined || words === undefined) return undefined;
    const container = await readContainer({ engine: this.#engine, id }, this.#paths);
    if (container.isNamedById !== undefined) return undefined;
    const since = sinceOf(about);
    const process = { ...processOf(about, words, since, this.#paths), container };
    const isRunning = about.State?.['Status'] === 'running';
    return { process, container, since, isRunning, hasFailed: hasFailed(about) };
  }
}

/** By the list alone: what is no runner's for sure is not asked about. */
function mayBeRunner(listed: Listed): boolean {
  if (GOING.has(listed.State) || isForeign(recordOf(listed.Labels))) return false;
  return isNamed(listed) || /\brun\b/.test(textOf(listed.Command));
}

function isNamed({ Image, Command, Mounts }: Listed): boolean {
  const isInTexts = [Image, Command].some((text) => textOf(text).includes('gitlab-runner'));
  return isInTexts || mountsOf(Mounts).some(({ at }) => isConfigFolder(at));
}

function wordsOf(about: Inspected): readonly string[] | undefined {
  const { Config: config = {}, Mounts: mounts } = about;
  if (isForeign(recordOf(config['Labels']))) return undefined;
  return runnerWordsOf({
    words: [textOf(about.Path), ...textsOf(about.Args)],
    given: textsOf(config['Cmd']),
    image: textOf(config['Image']),
    mountPoints: mountsOf(mounts).map(({ at }) => at),
    isRestarted: !['', 'no'].includes(textOf(about.HostConfig?.RestartPolicy?.Name)),
  });
}

function processOf(
  { Config: config = {}, Mounts: mounts, State: state = {} }: Inspected,
  words: readonly string[],
  since: number,
  { rootfs }: Paths,
): RunnerProcess {
  const volumes = mountsOf(mounts).map((one) => ({ ...one, seenAt: join(rootfs, one.onHost) }));
  const uid = uidOf(textOf(config['User']));
  const environment = environmentOf(textsOf(config['Env']), uid, volumes);
  const workingDirectory = textOf(config['WorkingDir']) || '/';
  const located = configOf(words, environment, uid, workingDirectory);
  const process = {
    pid: 0,
    uid,
    startedAt: instantOf(state['StartedAt']) ?? since,
    state: '',
    arguments: words,
    environment,
    workingDirectory,
    volumes,
    ...located,
  };
  return { ...process, configPath: asProcessSees(located.configPath, process) };
}

/** Of another user than root the home is not told; its config folder may be mounted there. */
function environmentOf(
  given: readonly string[],
  uid: number,
  volumes: readonly Volume[],
): Readonly<Record<string, string>> {
  const environment = parseEnvironment(given.join('\0'));
  const folder = volumes.find(({ at }) => basename(at) === USER_DIRECTORY);
  if (uid === 0 || environment['HOME'] !== undefined || folder === undefined) return environment;
  return { ...environment, HOME: dirname(folder.at) };
}

function uidOf(user: string): number {
  const [name = ''] = user.split(':');
  if (name === '' || name === 'root') return 0;
  return /^\d+$/.test(name) ? Number(name) : SOME_USER;
}

/** What lies on the host: a bind mount or a volume of the engine, not a file system in memory. */
function mountsOf(mounts: unknown): readonly Pick<Volume, 'at' | 'onHost'>[] {
  if (!Array.isArray(mounts)) return [];
  return mounts.flatMap((one: unknown) => {
    const { Destination, Source } = recordOf(one);
    const [at, onHost] = [textOf(Destination), textOf(Source)];
    return at.startsWith('/') && onHost.startsWith('/') ? [{ at, onHost }] : [];
  });
}

function sinceOf({ State: state = {}, Created: created }: Inspected): number {
  const ended = instantOf(state['FinishedAt']);
  return ended ?? instantOf(state['StartedAt']) ?? instantOf(created) ?? 0;
}

/** Of one that its engine starts again, only a person ends the restarts; Swarm does it where it moves a task. */
function hasFailed(about: Inspected): boolean {
  const { State: state = {}, Config: config = {} } = about;
  const labels = Object.keys(recordOf(config['Labels']));
  if (labels.includes('com.docker.swarm.task.id')) return false;
  // The engine could not start it.
  if (state['Status'] === 'restarting' || textOf(state['Error']) !== '') return true;
  if (state['Status'] === 'running') return restartsOf(about) >= LOOP_RESTARTS;
  if (!ENDED.has(state['Status']) || isEndedByPerson(about)) return false;
  if (state['OOMKilled'] === true) return true;
  return state['ExitCode'] !== 0 && !STOPPED_BY_SIGNAL.has(state['ExitCode']);
}

function isEndedByPerson(about: Inspected): boolean {
  const { Name: name, MaximumRetryCount: most } = about.HostConfig?.RestartPolicy ?? {};
  if (name === 'always' || name === 'unless-stopped') return true;
  const isGivenUp = typeof most === 'number' && most > 0 && restartsOf(about) >= most;
  return name === 'on-failure' && !isGivenUp;
}

function restartsOf({ RestartCount: count }: Inspected): number {
  return typeof count === 'number' ? count : 0;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
