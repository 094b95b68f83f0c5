/**
 * How does the C library of this host resolve a name? It uses modules of nsswitch.conf that the runner, a static Go
 * program, does not have. Run in a child process, since a lookup of libc may hang for minutes.
 */
import { isIP } from 'node:net';

import { deadlineOf } from '../../core/abort.ts';
import type { Paths } from '../../core/paths.ts';
import { boundedChild } from '../child-process.ts';

const ANSWER_SECONDS = 2;

const getent = boundedChild();

/** Empty when libc finds nothing, cannot be asked, or takes too long. Below another root there are programs of others. */
export async function resolveWithLibc(
  name: string,
  { rootfs }: Paths,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (rootfs !== '/') return [];
  using deadline = deadlineOf(ANSWER_SECONDS, signal);
  const command = { program: 'getent', args: ['--', 'ahosts', name] };
  const result = await getent.run(name, command, deadline);
  return result.kind === 'ended' && result.code === 0 ? parseGetent(result.stdout) : [];
}

/** The distinct addresses of `getent ahosts`: one line for each kind of socket. */
export function parseGetent(text: string): readonly string[] {
  const addresses = text.split('\n').map((line) => line.split(/\s+/)[0] ?? '');
  return [...new Set(addresses.filter((address) => isIP(address) !== 0))];
}
