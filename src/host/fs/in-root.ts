/**
 * Files of a root that is not ours: of a container (/proc/PID/root), or of a host whose tree is mounted elsewhere. As a
 * plain path its absolute links, and those that lead above it, would be followed in our own root.
 *
 * Promises: no link leads out of the root, whatever is changed while the path is followed, since each part is opened
 * without following it and the next one is looked for below what was opened; a link of /proc counts as its text. In a
 * container a pipe or a device in the place of a file is no file, and neither is what the kernel makes up as it is read:
 * such a file may have no end, or wait for ever. Our own root is read by plain paths.
 */
import type { FileHandle } from 'node:fs/promises';
import { access, constants, open, readdir, readlink, stat, statfs } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import type { Paths, Volume } from '../../core/paths.ts';
import { volumeOf } from '../../core/paths.ts';
import { readAtMost } from './read-at-most.ts';

/** <fcntl.h> of Linux; Node has no name for it. */
const O_PATH = 0o10_000_000;
/** As many as the kernel follows. */
const MAX_LINKS = 40;
const MAX_TEXT_BYTES = 16 * 1024 * 1024;
/** Types of statfs, as <linux/magic.h> has them: proc, sysfs, debugfs, tracefs. */
const KERNEL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x9f_a0, 0x62_65_65_72, 0x64_62_67_20, 0x74_72_61_63,
]);

type Root = Pick<Paths, 'rootfs' | 'container' | 'volumes'>;

/** Calls `use` with a path at which the file is seen here, which holds until its promise settles. */
export async function inRoot<T>(
  root: Root,
  path: string,
  use: (seenPath: string) => Promise<T>,
): Promise<T> {
  const volume = volumeOf(path, root.volumes ?? []);
  if (volume === undefined && root.rootfs === '/') return await use(path);
  const [rootfs, pathThere] = volume === undefined ? [root.rootfs, path] : inVolume(path, volume);
  await using folders = await Folders.of(rootfs);
  const file = await folders.follow(pathThere);
  if (root.container !== undefined) await refuseSpecial(file, path);
  return await use(descriptorPath(file));
}

/** In a volume that is the root: a link in it leads to no other file of the host. */
function inVolume(path: string, { at, seenAt }: Volume): readonly [string, string] {
  return path === at
    ? [dirname(seenAt), basename(seenAt)]
    : [seenAt, path.slice(at === '/' ? 0 : at.length)];
}

/** The text of a file; rejects with the error of the system, also for one that is much too large. */
export async function readTextIn(
  paths: Root,
  path: string,
  encoding: 'utf8' | 'latin1' = 'utf8',
): Promise<string> {
  return await inRoot(paths, path, async (seenPath) => {
    const bytes = await readAtMost(seenPath, MAX_TEXT_BYTES + 1);
    if (bytes.length > MAX_TEXT_BYTES) throw systemError('EFBIG', path);
    return bytes.toString(encoding);
  });
}

export async function statIn(paths: Root, path: string): Promise<Stats> {
  return await inRoot(paths, path, async (seenPath) => await stat(seenPath));
}

/** The names in a folder. */
export async function namesIn(paths: Root, path: string): Promise<readonly string[]> {
  return await inRoot(paths, path, async (seenPath) => await readdir(seenPath));
}

export async function isThereIn(paths: Root, path: string): Promise<boolean> {
  return await inRoot(paths, path, access).then(
    () => true,
    () => false,
  );
}

/** Where a link leads, as it is written; undefined for what is none. */
export async function linkIn({ rootfs }: Root, path: string): Promise<string | undefined> {
  if (rootfs === '/') return await targetOf(path);
  const parts = partsOf(path);
  await using folders = await Folders.of(rootfs);
  const folder = await folders.follow(parts.slice(0, -1).join('/')).catch(() => undefined);
  return folder === undefined
    ? undefined
    : await targetOf(join(descriptorPath(folder), parts.at(-1) ?? '.'));
}

async function targetOf(seenPath: string): Promise<string | undefined> {
  return await readlink(seenPath).catch(() => undefined);
}

interface Station {
  readonly path: string;
  readonly info: Stats;
}

/** The files and folders that a path leads through, links followed, each by its path in the root; it is the last one. */
export async function trailIn({ rootfs }: Root, path: string): Promise<readonly Station[]> {
  await using folders = await Folders.of(rootfs);
  await folders.follow(path);
  return await folders.trail();
}

interface Opened {
  readonly name: string;
  readonly file: FileHandle;
}

/** What has been opened on the way from the root. */
class Folders implements AsyncDisposable {
  readonly #root: FileHandle;
  readonly #below: Opened[] = [];

  private constructor(root: FileHandle) {
    this.#root = root;
  }

  static async of(rootfs: string): Promise<Folders> {
    return new Folders(await open(rootfs, O_PATH | constants.O_DIRECTORY));
  }

  /** Opens what lies at the path, without reading it. */
  async follow(path: string): Promise<FileHandle> {
    let rest = partsOf(path);
    let links = 0;
    for (;;) {
      const [name, ...others] = rest;
      if (name === undefined) return this.#last();
      const target = name === '..' ? await this.#climb() : await this.#enter(name);
      rest = others;
      if (target === undefined) continue;
      links += 1;
      if (links > MAX_LINKS) throw systemError('ELOOP', path);
      if (target.startsWith('/')) await this.#backToRoot();
      rest = [...partsOf(target), ...others];
    }
  }

  async trail(): Promise<readonly Station[]> {
    return await Promise.all(
      this.#below.map(async ({ file }, index) => {
        const names = this.#below.slice(0, index + 1).map(({ name }) => name);
        return { path: `/${names.join('/')}`, info: await file.stat() };
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#backToRoot();
    await this.#root.close();
  }

  #last(): FileHandle {
    return this.#below.at(-1)?.file ?? this.#root;
  }

  /** The target of what is a link, which is not kept open. */
  async #enter(name: string): Promise<string | undefined> {
    const seenPath = join(descriptorPath(this.#last()), name);
    const file = await open(seenPath, O_PATH | constants.O_NOFOLLOW);
    this.#below.push({ name, file });
    if (!(await file.stat()).isSymbolicLink()) return undefined;
    await this.#climb();
    return await readlink(seenPath);
  }

  /** Nothing lies above the root. */
  async #climb(): Promise<undefined> {
    await this.#below.pop()?.file.close();
  }

  async #backToRoot(): Promise<void> {
    while (this.#below.length > 0) await this.#climb();
  }
}

function partsOf(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function descriptorPath({ fd }: FileHandle): string {
  return `/proc/self/fd/${fd}`;
}

async function refuseSpecial(file: FileHandle, path: string): Promise<void> {
  const info = await file.stat();
  if (info.isDirectory() || info.isSocket()) return;
  if (!info.isFile() || (await isMadeByKernel(file))) throw systemError('ENXIO', path);
}

async function isMadeByKernel(file: FileHandle): Promise<boolean> {
  const { type } = await statfs(descriptorPath(file));
  return KERNEL_FILE_SYSTEMS.has(type);
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code, syscall: 'open' });
}
