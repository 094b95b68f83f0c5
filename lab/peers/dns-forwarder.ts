/** A resolver on an address of the runner's own host, as systemd-resolved is: it passes queries over UDP to another server. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import type { Network } from '../network.ts';

const SCRIPT = `
const { createSocket } = require('node:dgram');
const [address, upstream] = process.argv.slice(1);
const server = createSocket('udp4');
server.on('message', (query, peer) => {
  const onward = createSocket('udp4');
  onward.on('error', () => onward.close());
  onward.on('message', (answer) => { server.send(answer, peer.port, peer.address); onward.close(); });
  onward.send(query, 53, upstream);
  setTimeout(() => { try { onward.close(); } catch {} }, 3000).unref();
});
server.bind(53, address, () => console.log('ready'));
`;

export async function startDnsForwarder(
  network: Network,
  address: string,
  upstream: string,
): Promise<AsyncDisposable> {
  const [program, ...args] = [
    ...network.prefix('rn'),
    process.execPath,
    '-e',
    SCRIPT,
    address,
    upstream,
  ];
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
