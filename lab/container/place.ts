/** A runner in a container: its engine, its network and its folder on the host, and how its world begins. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { Network } from '../network.ts';
import type { Engine, EngineName } from './engine.ts';
import { startEngine } from './engine.ts';
import type { ImageSpec } from './image.ts';
import { RUNNER_IMAGE, makeImage } from './image.ts';
import type { ContainerRunner } from './runner.ts';
import { startContainerRunner } from './runner.ts';

const execute = promisify(execFile);

export interface ContainerSetup {
  readonly engine: EngineName;
  /** By default that of the host. */
  readonly isBridged?: boolean;
  /** Its config folder is a volume of the engine, not a folder of the host. */
  readonly hasNamedVolume?: boolean;
  readonly mountsFiles?: boolean;
  /** Further options of `run`. */
  readonly options?: readonly string[];
}

export interface ContainerPlace {
  readonly engine: Engine;
  readonly runner: ContainerRunner;
}

const NAME = 'gitlab-runner';
const VOLUME = 'gitlab-runner-config';

/** The config folder, as the host sees it. */
export function configFolderOf({ hasNamedVolume = false }: ContainerSetup): string {
  return hasNamedVolume ? `/var/lib/docker/volumes/${VOLUME}/_data` : '/srv/gitlab-runner/config';
}

/** The folder is the mount point of the host's root, before anything lives there. */
export async function mountOwnRoot(root: string): Promise<void> {
  await mkdir(root, { recursive: true });
  await execute('mount', ['-t', 'tmpfs', 'tmpfs', root]);
  // What the network's holder needs to find there.
  await mkdir(join(root, 'etc'), { recursive: true });
}

export async function startContainerPlace(
  network: Network,
  root: string,
  setup: ContainerSetup & { readonly environment: Readonly<Record<string, string>> },
  stack: AsyncDisposableStack,
): Promise<ContainerPlace> {
  const { isBridged = false, hasNamedVolume = false, mountsFiles = false } = setup;
  const { options = [], environment } = setup;
  const engine = stack.use(await startEngine(network, setup.engine));
  await loadImage(engine, root, RUNNER_IMAGE);
  const runner = await startContainerRunner(engine, {
    name: NAME,
    volume: hasNamedVolume ? VOLUME : configFolderOf(setup),
    network: isBridged ? [] : ['--network host'],
    mountsFiles,
    options,
    environment,
  });
  stack.use(runner);
  return { engine, runner };
}

export async function loadImage(engine: Engine, root: string, spec: ImageSpec): Promise<void> {
  const folder = await mkdtemp(`${root}-image-`);
  const archive = await makeImage(folder, spec);
  await copyFile(archive, join(root, 'image.tar'));
  await engine.run('load -i /image.tar');
}
