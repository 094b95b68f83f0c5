/** A runner that has ended and whose parent never waited for it: the kernel keeps its name and nothing else. */

import type { Network } from '../network.ts';
import { startPeer } from './start-peer.ts';

/** `sleep` waits for no child. */
const SCRIPT = '(exec -a gitlab-runner sleep 0.1) & echo up; exec sleep infinity';

export async function leaveZombie(network: Network): Promise<AsyncDisposable> {
  return await startPeer(network, ['bash', '-c', SCRIPT]);
}
