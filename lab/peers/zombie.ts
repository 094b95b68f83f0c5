/** A runner that has ended and whose parent never waited for it: the kernel keeps its name and nothing else. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import type { Network } from '../network.ts';

/** `sleep` waits for no child. */
const SCRIPT = '(exec -a gitlab-runner sleep 0.1) & echo up; exec sleep infinity';

export async function leaveZombie(network: Network): Promise<AsyncDisposable> {
  const [program, ...args] = [...network.prefix('rn'), 'bash', '-c', SCRIPT];
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
