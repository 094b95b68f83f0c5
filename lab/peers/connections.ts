/** Connections of another program on the runner's host, held open. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import type { Network } from '../network.ts';

/** `where` as bash names it below /dev/tcp: `10.200.0.2/443`. */
export async function holdConnections(
  network: Network,
  where: string,
  count: number,
): Promise<AsyncDisposable> {
  const opens = Array.from({ length: count }, (_, nth) => `exec ${nth + 3}<>/dev/tcp/${where}`);
  const script = [...opens, 'echo open', 'exec sleep infinity'].join('\n');
  const [program, ...args] = [...network.prefix('rn'), 'bash', '-c', script];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), exit]);
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exit;
    },
  };
}
