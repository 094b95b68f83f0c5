/**
 * What is in the runner's config.toml now, and what was in it when it last loaded?
 *
 * Never throws and never waits longer than two seconds: a file that is missing, half written, broken or
 * on a hung file system is a problem of the reading, and the last good document is kept beside it.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';

import { deadlineOf, withSignal } from '../core/abort.ts';
import type { Clock, Instant } from '../core/clock.ts';
import { errnoText, isErrno } from '../core/errno.ts';
import type { Paths } from '../core/paths.ts';
import type { Problem, RunnerConfigReading } from '../core/reading.ts';
import { isSystemId } from '../gitlab/token.ts';
import {
  emptyFileProblem,
  fileProblem,
  hungFileProblem,
  notAFileProblem,
} from '../config/runner/file-problems.ts';
import type { LocatedConfig } from './config-location.ts';
import { systemIdPath } from '../host/place/runner-files.ts';
import type { TomlVersion } from '../config/runner/dialect.ts';
import { parseInWorker } from '../config/runner/parse-in-worker.ts';
import type { RunnerDocument, RunnerTextReading } from '../config/runner/runner-config.ts';
import { MAX_TOML_BYTES, tooLargeProblem } from '../config/runner/runner-toml.ts';
import { readAtMost } from '../host/fs/read-at-most.ts';
import { inRoot, readTextIn, statIn } from '../host/fs/in-root.ts';

const READ_SECONDS = 5;
/** Times of change are as coarse as the kernel's tick, and on some file systems a second or two. */
const SETTLED_MILLISECONDS = 3000;

export interface RunnerFileState {
  readonly reading: RunnerConfigReading;
  /** The last content of this path that loaded; absent when none did. */
  readonly document?: RunnerDocument;
  /** Path, content, time of change or problems differ from the call before. */
  readonly changed: boolean;
  /** Of `.runner_system_id`, when there is a valid one. */
  readonly systemId?: string;
  /** As read; absent when it could not be. */
  readonly content?: { readonly bytes: Uint8Array; readonly hash: string };
}

/** What the file system gave. */
interface Content {
  readonly modifiedAt?: Instant;
  readonly bytes?: Uint8Array;
  /** Place, identity, size and times of the file; absent while a later write could leave all of these unchanged. */
  readonly stamp?: string;
  readonly problem?: Problem;
  readonly systemId?: string;
}

export class RunnerFile {
  readonly #clock: Clock;
  #path = '';
  #toml: TomlVersion = '1.1';
  #signature = '';
  #parsed:
    | { readonly bytes: Uint8Array; readonly hash: string; readonly result: RunnerTextReading }
    | undefined;
  #document: RunnerDocument | undefined;
  #loaded: Content = {};
  #pending: { readonly path: string; readonly content: Promise<Content> } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Reads the file once more. */
  async read(
    located: LocatedConfig,
    paths: Paths,
    toml: TomlVersion = '1.1',
  ): Promise<RunnerFileState> {
    if (located.path !== this.#path) this.#forget(located.path);
    this.#speak(toml);
    const content = await this.#content(located.path, paths);
    const { document, problems } = await this.#judge(content, located.path);
    if (document !== undefined) this.#document = document;
    const { modifiedAt, systemId } = content;
    const reading: RunnerConfigReading = {
      ...located,
      readAt: this.#clock.wall(),
      ...(modifiedAt === undefined ? {} : { modifiedAt }),
      problems,
      ...(document === undefined
        ? {}
        : { runnerCount: document.runners.length, concurrent: document.concurrent }),
    };
    return {
      reading,
      ...(this.#document === undefined ? {} : { document: this.#document }),
      changed: this.#isNew([located, modifiedAt, problems, this.#parsed?.hash]),
      ...(systemId === undefined ? {} : { systemId }),
      ...(content.bytes === undefined
        ? {}
        : { content: { bytes: content.bytes, hash: this.#parsed?.hash ?? '' } }),
    };
  }

  /** The runner was updated, and reads the same file in another way. */
  #speak(toml: TomlVersion): void {
    if (toml !== this.#toml) this.#parsed = undefined;
    this.#toml = toml;
  }

  #forget(path: string): void {
    this.#path = path;
    this.#parsed = undefined;
    this.#document = undefined;
  }

  /** One read at a time: four that hang would take every thread of the pool. */
  async #content(path: string, paths: Paths): Promise<Content> {
    this.#pending ??= { path, content: this.#load(path, paths) };
    const { path: pendingPath, content } = this.#pending;
    using deadline = deadlineOf(READ_SECONDS);
    try {
      const loaded = await withSignal(content, deadline.signal);
      return pendingPath === path ? loaded : await this.#content(path, paths);
    } catch {
      return { problem: hungFileProblem(path, READ_SECONDS) };
    }
  }

  async #load(path: string, paths: Paths): Promise<Content> {
    try {
      return (this.#loaded = await contentOf(path, paths, this.#loaded));
    } finally {
      this.#pending = undefined;
    }
  }

  /** Parses only what was not parsed before. */
  async #judge({ bytes, problem }: Content, path: string): Promise<RunnerTextReading> {
    if (bytes === undefined) return { problems: problem === undefined ? [] : [problem] };
    if (this.#parsed?.bytes === bytes) return this.#parsed.result;
    const hash = createHash('sha256').update(bytes).digest('hex');
    if (this.#parsed?.hash === hash) {
      this.#parsed = { ...this.#parsed, bytes };
      return this.#parsed.result;
    }
    const read = await parseInWorker(bytes, path, this.#toml);
    const isEmpty = read.document?.hasKeys === false;
    const result = isEmpty ? { problems: [emptyFileProblem(path)] } : read;
    this.#parsed = { bytes, hash, result };
    return result;
  }

  #isNew(parts: readonly unknown[]): boolean {
    const signature = JSON.stringify(parts);
    if (signature === this.#signature) return false;
    this.#signature = signature;
    return true;
  }
}

/** `before` saves the reading of a file that has not been written since: the change time shows every write. */
async function contentOf(path: string, paths: Paths, before: Content): Promise<Content> {
  const systemId = await systemIdOf(path, paths);
  const known = systemId === undefined ? {} : { systemId };
  try {
    const content = await inRoot(
      paths,
      path,
      async (seenPath) => await contentAt(seenPath, path, before),
    );
    return { ...known, ...content };
  } catch (error) {
    if (isErrno(error, 'ENXIO')) return { ...known, problem: notAFileProblem(path) };
    return { ...known, problem: fileProblem(path, error, errnoText(error)) };
  }
}

async function contentAt(seenPath: string, path: string, before: Content): Promise<Content> {
  const found = await stat(seenPath);
  const modifiedAt = Math.floor(found.mtimeMs);
  // Opening a pipe would wait for its writer.
  if (!found.isFile()) return { modifiedAt, problem: notAFileProblem(path) };
  if (found.size > MAX_TOML_BYTES)
    return { modifiedAt, problem: tooLargeProblem(path, found.size) };
  const stamp = [path, found.dev, found.ino, found.size, found.mtimeMs, found.ctimeMs].join(' ');
  const bytes =
    before.bytes !== undefined && before.stamp === stamp
      ? before.bytes
      : await readAtMost(seenPath, MAX_TOML_BYTES);
  const isSettled = Date.now() - found.ctimeMs > SETTLED_MILLISECONDS;
  return { modifiedAt, bytes, ...(isSettled ? { stamp } : {}) };
}

async function systemIdOf(configPath: string, paths: Paths): Promise<string | undefined> {
  try {
    const path = systemIdPath(configPath);
    if (!(await statIn(paths, path)).isFile()) return undefined;
    const text = (await readTextIn(paths, path)).trim();
    return isSystemId(text) ? text : undefined;
  } catch {
    return undefined;
  }
}
