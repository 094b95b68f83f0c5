/**
 * What does the C library of this host say of a name? It asks modules of nsswitch.conf that the runner, a
 * static Go program, does not have. Asked in a child that can be killed: a lookup of libc may hang for minutes,
 * and in this process it would hold a slot of the thread pool.
 */
import { execFile } from 'node:child_process';
import { isIP } from 'node:net';
import { promisify } from 'node:util';

import { deadlineOf } from '../../core/abort.ts';
import type { Paths } from '../../core/paths.ts';

const ANSWER_SECONDS = 2;

/** Empty when libc finds nothing, cannot be asked, or takes too long. In a container the host's libc is asked. */
export async function libcAddresses(
  name: string,
  { rootfs }: Paths,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const words = ['getent', '--', 'ahosts', name];
  const [command = '', ...rest] = rootfs === '/' ? words : ['chroot', rootfs, ...words];
  using deadline = deadlineOf(ANSWER_SECONDS, signal);
  try {
    const { stdout } = await promisify(execFile)(command, rest, {
      signal: deadline.signal,
      killSignal: 'SIGKILL',
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    });
    return parseGetent(stdout);
  } catch {
    return [];
  }
}

/** The distinct addresses of `getent ahosts`: one line for each kind of socket. */
export function parseGetent(text: string): readonly string[] {
  const addresses = text.split('\n').map((line) => line.split(/\s+/)[0] ?? '');
  return [...new Set(addresses.filter((address) => isIP(address) !== 0))];
}
