/**
 * runnerwatch itself in a container of a real engine, as docs/containers.md has it: beside a runner of the host, or
 * beside that of another container. The program of the lab is mounted into an image that holds nothing of a runner.
 */
import { join } from 'node:path';

import type { Engine } from './engine.ts';
import { WATCHER_IMAGE } from './image.ts';
import { loadImage } from './place.ts';

export interface WatcherSetup {
  /** Of `docker run`: its processes, its network, what is mounted, its capabilities. */
  readonly options: readonly string[];
  /** Of runnerwatch. */
  readonly flags: readonly string[];
}

/** Its state and its socket, on the host as well. */
export const WATCHER_FOLDER = '/run/runnerwatch';
export const WATCHER_SETTINGS = '/etc/runnerwatch.toml';
export const WATCHER_NAME = 'runnerwatch';
const REPOSITORY = join(import.meta.dirname, '../..');

export async function loadWatcher(engine: Engine, root: string): Promise<void> {
  await loadImage(engine, root, WATCHER_IMAGE);
}

/** Runs what follows it in such a container; the words before enter the host. */
export function inWatcher({ options }: WatcherSetup, name: string): readonly string[] {
  const mounts = [
    `${REPOSITORY}:${REPOSITORY}:ro`,
    `${WATCHER_FOLDER}:${WATCHER_FOLDER}`,
    `/runnerwatch.toml:${WATCHER_SETTINGS}:ro`,
  ];
  return [
    'docker',
    'run',
    '--rm',
    '--name',
    name,
    ...mounts.flatMap((mount) => ['-v', mount]),
    ...options,
    WATCHER_IMAGE.tag,
  ];
}
