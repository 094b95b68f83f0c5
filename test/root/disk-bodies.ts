/** What runs inside the mount namespace: real file systems, filled and remounted, and the disk probe. */
import { execFileSync } from 'node:child_process';
import { statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { mountTargetsOf } from '../../src/discovery/mount-targets.ts';
import type { Finding } from '../../src/core/finding.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import type { MountTarget } from '../../src/core/target.ts';
import { readMounts } from '../../src/host/fs/mounts.ts';
import { disk } from '../../src/probes/disk.ts';
import { mountBind, mountExt4, mountTmpfs, remount } from '../support/mount-namespace.ts';
import { runProbe } from '../support/run-probe.ts';

const MEBIBYTE = 1024 ** 2;
const GIBIBYTE = 1024 ** 3;
const MAX_FILES = 10_000;

/** The target that runnerwatch itself makes of a folder that holds the runner's config. */
async function targetOn(folder: string): Promise<MountTarget> {
  const mounts = await readMounts(HOST_PATHS);
  const configPath = join(folder, 'config.toml');
  const targets = mountTargetsOf({ document: undefined, configPath, process: undefined, mounts });
  const target = targets.find(({ id }) => id === folder);
  if (target === undefined) throw new Error(`${folder} is no target`);
  return target;
}

async function judge(folder: string): Promise<Finding> {
  return await runProbe(disk, await targetOn(folder));
}

/** Writes until `isEnough`, or until the file system takes no more. */
function fill(folder: string, content: Uint8Array, isEnough: () => boolean): number {
  let count = 0;
  try {
    for (; count < MAX_FILES && !isEnough(); count += 1) {
      writeFileSync(join(folder, `file-${count}`), content);
    }
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('ENOSPC')) throw error;
  }
  return count;
}

/** Full for ordinary users, while root could still write: the reserve is a fifth. */
export async function fillSpace(folder: string) {
  mountExt4(folder, { bytes: 16 * MEBIBYTE, reservedPercent: 20 });
  const before = await judge(folder);
  fill(folder, new Uint8Array(64 * 1024), () => statfsSync(folder).bavail === 0);
  const { bfree, bsize } = statfsSync(folder);
  return { before, after: await judge(folder), freeForRoot: bfree * bsize };
}

export async function nearlyFill(folder: string): Promise<Finding> {
  mountExt4(folder, { bytes: 8 * GIBIBYTE });
  const { bavail, blocks, bsize } = statfsSync(folder);
  const taken = (bavail - Math.floor(blocks * 0.035)) * bsize;
  execFileSync('fallocate', ['-l', String(taken), join(folder, 'big')]);
  return await judge(folder);
}

export async function fillInodes(folder: string) {
  mountExt4(folder, { bytes: 16 * MEBIBYTE, inodes: 64 });
  const files = fill(folder, new Uint8Array(), () => false);
  return { files, finding: await judge(folder) };
}

export async function nearlyFillInodes(folder: string): Promise<Finding> {
  mountExt4(folder, { bytes: 16 * MEBIBYTE, inodes: 1024 });
  fill(folder, new Uint8Array(), () => {
    const { ffree, files } = statfsSync(folder);
    return ffree / files < 0.05;
  });
  return await judge(folder);
}

export async function fillTmpfs(folder: string): Promise<Finding> {
  mountTmpfs(folder, 'nr_inodes=20');
  fill(folder, new Uint8Array(), () => false);
  return await judge(folder);
}

export async function turnReadOnly(folder: string) {
  mountExt4(folder, { bytes: 16 * MEBIBYTE });
  const before = await judge(folder);
  remount(folder, 'ro');
  return { before, after: await judge(folder) };
}

/** Read-only through this mount point alone: a sandbox, not a fault. */
export async function turnPointReadOnly(folder: string): Promise<Finding> {
  mountExt4(folder, { bytes: 16 * MEBIBYTE });
  mountBind(folder, folder);
  remount(folder, 'bind,ro');
  return await judge(folder);
}
