/** Proxies on loopback that open a real tunnel to one port, for any requested host; plain or over TLS. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createServer } from 'node:tls';

import type { MadeCertificate } from './certificates.ts';
import type { TcpServer } from './tcp-server.ts';
import { startTcpServer } from './tcp-server.ts';

/** Answers CONNECT with 200 and passes bytes to and from `port` of loopback. */
export async function startForwardingProxy(port: number): Promise<TcpServer> {
  return await startTcpServer((socket) => forward(socket, port));
}

/** The same, spoken to over TLS with this certificate. */
export async function startTlsProxy(
  port: number,
  { pem, keyPem }: MadeCertificate,
): Promise<TcpServer> {
  const open = new Set<TLSSocket>();
  const server = createServer({ cert: pem, key: keyPem }, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    forward(socket, port);
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return {
    port: address.port,
    openCount: () => open.size,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function forward(socket: Socket, port: number): void {
  let head = '';
  const onHead = (chunk: Buffer): void => {
    head += chunk.toString('latin1');
    if (!head.includes('\r\n\r\n')) return;
    socket.off('data', onHead);
    const onward = connect({ host: '127.0.0.1', port });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy()).on('close', () => onward.destroy());
    onward.once('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
  };
  socket.on('error', () => {}).on('data', onHead);
}
