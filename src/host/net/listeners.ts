/**
 * Which process listens on which TCP port of this host, and is it the runner?
 *
 * Source  /proc/net/{tcp,tcp6} (proc(5)), the descriptors of the process in /proc/PID/fd.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

import type { Paths } from '../../core/paths.ts';
import { procFile } from '../proc/proc-files.ts';

const LISTEN = '0A';
/** Of a file of /proc that may be as long as there are connections. */
const MAX_BYTES = 4 * 2 ** 20;
const MAX_DESCRIPTORS = 4096;

export interface PortListener {
  readonly port: number;
  /** `undefined` when the descriptors of the process cannot be read. */
  readonly isRunner: boolean | undefined;
}

/** Listeners of this network namespace; `pid` is the runner, when there is one. */
export async function readListeners(
  paths: Paths,
  pid: number | undefined,
): Promise<readonly PortListener[]> {
  const lists = ['tcp', 'tcp6'].map(async (name) => await listOf(procFile(paths, `net/${name}`)));
  const found = (await Promise.all(lists)).flat();
  const own =
    pid === undefined ? new Set<string>() : await socketsOf(join(paths.procfs, String(pid), 'fd'));
  return found.map(({ port, inode }) => ({ port, isRunner: own?.has(inode) }));
}

async function listOf(
  path: string,
): Promise<readonly { readonly port: number; readonly inode: string }[]> {
  const text = await readFile(path, 'latin1').catch(() => '');
  return text
    .slice(0, MAX_BYTES)
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (state !== LISTEN) return [];
      return [{ port: Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16), inode }];
    });
}

/** Inodes of the sockets that a process has open. */
async function socketsOf(folder: string): Promise<ReadonlySet<string> | undefined> {
  const names = await readdir(folder).catch(() => undefined);
  if (names === undefined) return undefined;
  const links = names
    .slice(0, MAX_DESCRIPTORS)
    .map(async (name) => await readlink(join(folder, name)).catch(() => ''));
  const inodes = (await Promise.all(links)).flatMap(
    (link) => /^socket:\[(?<inode>\d+)\]$/.exec(link)?.groups?.['inode'] ?? [],
  );
  return new Set(inodes);
}
