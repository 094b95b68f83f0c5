/** A small program in the runner's namespace, as a peer of a row: it has started when it prints its first line. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import type { Network } from '../network.ts';

export async function startPeer(
  network: Pick<Network, 'prefix'>,
  command: readonly [string, ...string[]],
): Promise<AsyncDisposable> {
  const [program = '', ...args] = [...network.prefix('rn'), ...command];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  await once(child.stdout, 'data');
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exit;
    },
  };
}
