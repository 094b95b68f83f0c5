/** The folder where Docker keeps its images and volumes, and its free space. */

import { deadlineOf } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import type { Paths } from '../../core/paths.ts';
import { childPath } from '../../core/paths.ts';
import { DEFAULT_FULLNESS, fullnessOf } from '../fs/fullness.ts';
import type { FileSystemReader } from '../fs/stat-file-system.ts';
import { readTextIn } from '../fs/in-root.ts';

const SETTINGS = '/etc/docker/daemon.json';
const DEFAULT_ROOT = '/var/lib/docker';
/** A root that hangs is the business of the disk check. */
const ANSWER_SECONDS = 4;

export interface DockerRoot {
  readonly path: string;
  readonly isFull: boolean;
  /** Share of free space; absent when it is not known. */
  readonly freeRatio?: number;
}

/** Remembers the root of each daemon, for the time when the daemon does not answer. */
export class DockerRoots {
  readonly #reader: FileSystemReader;
  readonly #lastPaths = new Map<string, string>();

  constructor(reader: FileSystemReader) {
    this.#reader = reader;
  }

  /** `told` is the root that the daemon reports. The path is read on the host, because the daemon is on this host. */
  async read(
    id: string,
    told: string | undefined,
    tools: { readonly clock: Clock; readonly signal: AbortSignal; readonly paths: Paths },
  ): Promise<DockerRoot> {
    const { clock, signal, paths } = tools;
    if (told !== undefined) this.#lastPaths.set(id, told);
    const path = told ?? this.#lastPaths.get(id) ?? (await readDockerRoot(paths));
    using deadline = deadlineOf(ANSWER_SECONDS, signal);
    const deps = { clock, signal: deadline.signal };
    const answer = await this.#reader.read(path, childPath(paths, path), deps);
    if (answer.kind !== 'size') return { path, isFull: false };
    const { size } = answer;
    const fullness = fullnessOf(size, DEFAULT_FULLNESS);
    const isFull = fullness === 'full' || fullness === 'inodes-exhausted';
    const ratio = size.sizeBytes === 0 ? {} : { freeRatio: size.freeBytes / size.sizeBytes };
    return { path, isFull, ...ratio };
  }
}

/** `data-root` of daemon.json, or the default. */
export async function readDockerRoot(paths: Paths): Promise<string> {
  try {
    const settings: unknown = JSON.parse(await readTextIn(paths, SETTINGS));
    if (typeof settings !== 'object' || settings === null) return DEFAULT_ROOT;
    const root = 'data-root' in settings ? settings['data-root'] : undefined;
    return typeof root === 'string' && root.startsWith('/') ? root : DEFAULT_ROOT;
  } catch {
    return DEFAULT_ROOT;
  }
}
