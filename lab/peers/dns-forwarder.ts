/** A resolver on an address of the runner's own host, as systemd-resolved is: it passes queries over UDP to another server. */

import type { Network } from '../network.ts';
import { startPeer } from './start-peer.ts';

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
  return await startPeer(network, [process.execPath, '-e', SCRIPT, address, upstream]);
}
