/** A mount namespace of its own for a test body, and the small file systems it mounts there. Needs root. */
import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync } from 'node:fs';

import type { Body } from './run-body.ts';
import { runBody } from './run-body.ts';

/**
 * The mounts of the body are gone when its process ends, and no other process sees them. The body is the first process
 * of its /proc, so a reader of the mounts of process 1 gets these.
 */
export async function inMountNamespace<A extends readonly unknown[], R>(
  module: string,
  body: Body<A, R>,
  ...args: A
): Promise<R> {
  const prefix = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--'];
  return await runBody(module, body, args, { prefix });
}

export interface Ext4 {
  readonly bytes: number;
  readonly inodes?: number;
  /** Share that is kept for root. */
  readonly reservedPercent?: number;
}

/** A fresh ext4 in a sparse file `<folder>.img`, mounted on `folder`. */
export function mountExt4(folder: string, { bytes, inodes, reservedPercent = 0 }: Ext4): void {
  const image = `${folder}.img`;
  const file = openSync(image, 'w');
  ftruncateSync(file, bytes);
  closeSync(file);
  const nodes = inodes === undefined ? [] : ['-N', String(inodes)];
  execFileSync('mkfs.ext4', ['-q', '-F', '-m', String(reservedPercent), ...nodes, image]);
  mountOn(folder, ['-o', 'loop', image]);
}

export function mountTmpfs(folder: string, options: string): void {
  mountOn(folder, ['-t', 'tmpfs', '-o', options, 'tmpfs']);
}

export function remount(folder: string, options: string): void {
  execFileSync('mount', ['-o', `remount,${options}`, folder]);
}

function mountOn(folder: string, args: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', [...args, folder]);
}

/** Shows a folder at another place, or a second time at its own. */
export function mountBind(from: string, folder: string): void {
  mountOn(folder, ['--bind', from]);
}
