/** The http link where no complete answer comes, and what becomes of its connection. */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect as secure, createServer as createSecureServer } from 'node:tls';

import { describe, expect, test } from 'vitest';

import type { Walk } from '../../src/core/probe.ts';
import { selfSigned } from '../support/self-signed.ts';
import { http } from '../../src/probes/http.ts';
import {
  endpointAt,
  RAILS_HEADERS,
  reply,
  startHttpServer,
  walkTo,
} from '../support/http-server.ts';
import { runProbe } from '../support/run-probe.ts';
import { startTcpServer } from '../support/tcp-server.ts';
import { patient } from '../support/until.ts';

async function reasonFor(act: (socket: Socket) => void): Promise<string> {
  await using server = await startHttpServer(() => act);
  await using path = await walkTo(server.port);
  const finding = await runProbe(http, endpointAt(server.port), { tools: { walk: path.walk } });
  return finding.status === 'pass' ? 'pass' : `${finding.status} ${finding.reason}`;
}

describe('an exchange without an answer', () => {
  test.each<[string, string, (socket: Socket) => void]>([
    ['closed', 'an end', (socket) => socket.end()],
    ['connection-reset', 'a reset', (socket) => socket.resetAndDestroy()],
    [
      'connection-reset',
      'a head and then the end',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal'),
    ],
    ['http2-only', 'a frame of HTTP/2', (socket) => socket.write('\0\0\u0018\u0004\0\0\0\0\0')],
    [
      'malformed',
      'a garbled body',
      (socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'),
    ],
  ])('%s: %s', async (reason, _what, act) => {
    expect(await reasonFor(act)).toBe(`fail ${reason}`);
  });

  test('connection-reset: a connection that is dead before it is used, and so is the next', async () => {
    await using server = await startTcpServer();
    await using path = await walkTo(server.port);
    const { open } = path.walk;
    path.walk.socket?.destroy();
    path.walk.open = async (signal) => {
      const socket = await (open?.(signal) ?? Promise.reject(new Error('no route')));
      return socket.destroy();
    };
    const finding = await runProbe(http, endpointAt(server.port), { tools: { walk: path.walk } });
    expect(finding).toMatchObject({ status: 'fail', reason: 'connection-reset' });
  });

  test.each<[string, (socket: Socket) => void]>([
    ['silence', () => {}],
    ['a head, and a body that never ends', (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nx')],
  ])('no-answer: %s', async (_what, act) => {
    await using server = await startHttpServer(() => act);
    await using path = await walkTo(server.port);
    const deadline = new AbortController();
    const running = runProbe(http, endpointAt(server.port), {
      tools: { walk: path.walk, signal: deadline.signal },
    });
    await expect.poll(() => server.requests.length).toBe(1);
    deadline.abort();
    expect(await running).toMatchObject({ status: 'unknown', reason: 'no-answer' });
  });

  test('a client certificate that is missed only after the handshake', async () => {
    const { certificatePem, privateKeyPem } = selfSigned({ commonName: 'localhost' });
    const server = createSecureServer({
      cert: certificatePem,
      key: privateKeyPem,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
    });
    server.on('tlsClientError', () => {}).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = secure({ host: '127.0.0.1', port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const walk: Walk = { socket, open: () => Promise.reject(new Error('once only')) };
    const finding = await runProbe(http, endpointAt(port), { tools: { walk } });
    socket.destroy();
    server.close();

    expect(finding).toMatchObject({ status: 'fail', reason: 'client-certificate-required' });
  });

  test('http-error: without a connection nothing is claimed', async () => {
    expect(await runProbe(http, endpointAt(1))).toMatchObject({
      status: 'unknown',
      reason: 'http-error',
    });
  });
});

test('a server that closes after each answer leaves one connection, which the walk closes', async () => {
  const open: Socket[] = [];
  const closing = reply(404, '', { headers: { ...RAILS_HEADERS, Connection: 'Close' } });
  await using server = await startTcpServer((socket) => {
    open.push(socket);
    socket.on('data', () => socket.write(closing));
  });
  {
    await using path = await walkTo(server.port);
    const target = endpointAt(server.port);
    await runProbe(http, target, { tools: { walk: path.walk } });
    await path.walk.send?.({ method: 'GET', path: 'x', timeoutSeconds: 5 }, patient());
  }
  await expect.poll(() => server.openCount()).toBe(0);
  expect(open).toHaveLength(2);
});
