/**
 * Where links of a container lead, for the paths that its runner uses: the usual ones, and those in its config.toml. Read
 * beforehand, since what is printed must not wait for a disk.
 *
 * Promises: no link leads out of the root; no disk is touched but that of the root and that of the config file, since
 * another one may hang, so links there are not followed; a path that leads to another file on the host than in the
 * container, by device and inode, is told apart, and where one of the two cannot be seen it counts as the same.
 */
import { dirname, join } from 'node:path';

import type { Paths } from '../../core/paths.ts';
import { isBelow } from '../../core/paths.ts';
import { hostPathOf } from './host-path.ts';
import { linkIn, readTextIn } from './in-root.ts';
import type { Mount } from './mounts.ts';
import { mountOf } from './mounts.ts';
import { fileIdentity } from './same-file.ts';

export interface RealPaths {
  /** By the path as it is written: without links. */
  readonly real: ReadonlyMap<string, string>;
  /** Without links, those that are another file on the host. */
  readonly refuted: ReadonlySet<string>;
}

/** Of a container that has ended nothing can be followed any more. */
export const NO_REAL_PATHS: RealPaths = { real: new Map(), refuted: new Set() };

export interface RealPathsQuestion {
  /** Of the container. */
  readonly inside: Paths;
  readonly onHost: Paths;
  readonly mounts: { readonly inside: readonly Mount[]; readonly onHost: readonly Mount[] };
  readonly configPath: string;
  readonly others: readonly string[];
}

const USUAL = [
  '/var/run',
  '/etc/hosts',
  '/etc/resolv.conf',
  '/etc/nsswitch.conf',
  '/etc/passwd',
  '/etc/ssl/certs/ca-certificates.crt',
];
const MAX_CONFIG_CHARACTERS = 256 * 1024;
const MAX_PATHS = 64;
/** As many as the kernel follows. */
const MAX_LINKS = 40;
/** Parts of one path, with those of the links in it: whoever wrote config.toml chose them. */
const MAX_PARTS = 256;

export async function readRealPaths(question: RealPathsQuestion): Promise<RealPaths> {
  const { inside, configPath, others } = question;
  const text = await readTextIn(inside, configPath).catch(() => '');
  const written = pathsWrittenIn(text.slice(0, MAX_CONFIG_CHARACTERS));
  const paths = [...new Set([...USUAL, dirname(configPath), configPath, ...others, ...written])];
  const wanted = paths.slice(0, MAX_PATHS);
  const links = new Links(question);
  const found = await Promise.all(
    wanted.map(async (path) => [path, await links.follow(path)] as const),
  );
  const real = new Map(found);
  const judged = await Promise.all(
    [...new Set(real.values())]
      .filter((path) => links.mayTouch(path))
      .map(async (path) => ((await isAnother(path, question)) ? [path] : [])),
  );
  return { real, refuted: new Set(judged.flat()) };
}

/** It, or a folder above it, is another one on the host. */
export function isRefuted(path: string, { refuted }: RealPaths): boolean {
  return [...refuted].some((one) => isBelow(path, one));
}

/** A path below one that is known goes by that one. */
export function withoutLinks(path: string, { real }: RealPaths): string {
  const above = [...real.keys()].filter((one) => isBelow(path, one));
  const [nearest] = above.toSorted((a, b) => b.length - a.length);
  const known = nearest === undefined ? undefined : real.get(nearest);
  if (nearest === undefined || known === undefined) return path;
  return `${known === '/' ? '' : known}${path.slice(nearest.length)}` || '/';
}

/** Sockets, folders, certificates, volumes: all that is an absolute path between quotes, colons or blanks. */
function pathsWrittenIn(text: string): readonly string[] {
  return [...text.matchAll(/["':](?:unix:\/\/)?(?<path>\/[^"':\s]*)/g)].map(({ groups }) =>
    (groups?.['path'] ?? '').replace(/^\/\/+/, '/'),
  );
}

async function isAnother(
  path: string,
  { inside, onHost, mounts }: RealPathsQuestion,
): Promise<boolean> {
  const there = hostPathOf(path, mounts.inside, mounts.onHost);
  if (there === undefined) return false;
  const [own, its] = await Promise.all([
    fileIdentity(inside.rootfs, path),
    fileIdentity(onHost.rootfs, there),
  ]);
  return own !== undefined && its !== undefined && own !== its;
}

/** Each link is read once. */
class Links {
  readonly #inside: Paths;
  readonly #mounts: readonly Mount[];
  readonly #touched: readonly (Mount | undefined)[];
  readonly #read = new Map<string, Promise<string | undefined>>();

  constructor({ inside, mounts, configPath }: RealPathsQuestion) {
    this.#inside = inside;
    this.#mounts = mounts.inside;
    this.#touched = ['/', configPath].map((path) => mountOf(path, this.#mounts));
  }

  mayTouch(path: string): boolean {
    return this.#touched.includes(mountOf(path, this.#mounts));
  }

  /** What is in a circle, or has too many parts, stays as it is written. */
  async follow(path: string): Promise<string> {
    let rest = partsOf(path);
    let real = '/';
    let links = 0;
    for (let parts = 0; rest.length <= MAX_PARTS && parts <= MAX_PARTS; parts += 1) {
      const [name, ...others] = rest;
      if (name === undefined) return real;
      const next = join(real, name);
      if (!this.mayTouch(next)) return join(next, ...others);
      const target = name === '..' ? undefined : await this.#targetOf(next);
      links += target === undefined ? 0 : 1;
      if (links > MAX_LINKS) break;
      if (target === undefined) real = next;
      else if (target.startsWith('/')) real = '/';
      rest = target === undefined ? others : [...partsOf(target), ...others];
    }
    return path;
  }

  async #targetOf(path: string): Promise<string | undefined> {
    const known = this.#read.get(path) ?? linkIn(this.#inside, path).catch(() => undefined);
    this.#read.set(path, known);
    return await known;
  }
}

function partsOf(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
