import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { connect } from 'node:net';

import { describe, expect, test } from 'vitest';

import { deadlineOf } from '../../../src/core/abort.ts';
import { Secret } from '../../../src/core/secret.ts';
import type { Tunnel } from '../../../src/go/proxy/tunnel.ts';
import { openTunnel } from '../../../src/go/proxy/tunnel.ts';
import type { Proxy, SocksOptions } from '../../support/connect-proxy.ts';
import { proxyAt, startScriptedProxy, startSocksServer } from '../../support/connect-proxy.ts';
import { startTcpServer } from '../../support/tcp-server.ts';

const GITLAB = { host: 'gitlab.test', port: 8443 };
const ALICE = { user: 'alice', password: new Secret('p@ss:w/rd') };

interface Opened extends AsyncDisposable {
  readonly tunnel: Tunnel;
  readonly socket: Socket;
}

async function open(proxy: Proxy, destination = GITLAB, timeoutSeconds = 5): Promise<Opened> {
  const socket = connect({ host: '127.0.0.1', port: proxy.port });
  socket.on('error', () => {});
  await once(socket, 'connect');
  using deadline = deadlineOf(timeoutSeconds);
  const tunnel = await openTunnel(socket, proxy, destination, deadline.signal);
  return {
    tunnel,
    socket,
    [Symbol.asyncDispose]: async () => {
      if (socket.closed) return;
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
    },
  };
}

/** What `openTunnel` makes of this answer to a CONNECT. */
async function openTunnelTo(text: string | Buffer): Promise<Tunnel> {
  await using proxy = await startScriptedProxy((socket) => socket.end(text));
  await using opened = await open(proxyAt(proxy.port));
  return opened.tunnel;
}

describe('CONNECT', () => {
  const table = [
    [{}, GITLAB, 'gitlab.test:8443', ''],
    [{}, { host: '2001:db8::1', port: 443 }, '[2001:db8::1]:443', ''],
    [
      { credentials: ALICE },
      GITLAB,
      'gitlab.test:8443',
      'Proxy-Authorization: Basic YWxpY2U6cEBzczp3L3Jk\r\n',
    ],
  ] as const;
  test.each(table)('%o to %o is sent as Go sends it', async (over, destination, place, header) => {
    await using proxy = await startScriptedProxy((socket) =>
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n'),
    );
    await using opened = await open(proxyAt(proxy.port, over), destination);
    expect(opened.tunnel).toEqual({ kind: 'open' });
    expect(proxy.received).toEqual([
      `CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\nUser-Agent: Go-http-client/1.1\r\n${header}\r\n`,
    ]);
  });

  test('not a byte that follows the head of the answer is lost', async () => {
    await using proxy = await startScriptedProxy((socket) => {
      socket.write('HTTP/1.0 200 OK\r\nVia: proxy\r\n\r\nfirst,');
      setImmediate(() => socket.end('second'));
    });
    await using opened = await open(proxyAt(proxy.port));
    expect(opened.tunnel).toEqual({ kind: 'open' });
    const chunks = (await opened.socket.toArray()) as Buffer[];
    expect(Buffer.concat(chunks).toString()).toBe('first,second');
  });
});

describe('only 200 opens the tunnel', () => {
  test.each([
    ['HTTP/1.1 407 Proxy Authentication Required', 407, 'Proxy Authentication Required'],
    ['HTTP/1.1 403 Forbidden', 403, 'Forbidden'],
    ['HTTP/1.0 503 Service Unavailable', 503, 'Service Unavailable'],
    ['HTTP/1.1 204 No Content', 204, 'No Content'],
    ['HTTP/1.1 502', 502, ''],
  ])('%s', async (line, status, phrase) => {
    const text = `${line}\r\nX-Squid-Error: ERR_TEST 0\r\nVia: 1.1 proxy\r\n\r\n<html>`;
    const headers = { 'x-squid-error': 'ERR_TEST 0', via: '1.1 proxy' };
    expect(await openTunnelTo(text)).toEqual({ kind: 'refused', status, phrase, headers });
  });
});

describe('a server that is no proxy is recognised by its first bytes', () => {
  test.each([
    ['SSH-2.0-OpenSSH_9.2\r\n', 'SSH-2.0-OpenSSH_9.2..'],
    [Buffer.from([0x15, 3, 1, 0, 2, 2, 0x46]), '......F'],
    [`\u001b[31m${'x'.repeat(60)}`, `.[31m${'x'.repeat(35)}`],
    ['HTTP/1.1 abc\r\n\r\n', 'HTTP/1.1 abc'],
    ['HTTP/1.1 200 OK\r\n', 'HTTP/1.1 200 OK..'],
    ['y'.repeat(20_000), 'y'.repeat(40)],
  ])('%o', async (text, firstBytes) => {
    expect(await openTunnelTo(text)).toEqual({ kind: 'not-a-proxy', firstBytes });
  });

  test('also when it waits for more', async () => {
    await using server = await startTcpServer((socket) => socket.write('220 mail.test ESMTP\r\n'));
    await using opened = await open(proxyAt(server.port), GITLAB, 0.3);
    expect(opened.tunnel).toEqual({ kind: 'not-a-proxy', firstBytes: '220 mail.test ESMTP..' });
  });
});

test('a web server that knows no CONNECT closes the connection', async () => {
  const server = createServer((_request, response) => response.end('hello'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await using opened = await open(proxyAt(port));
  expect(opened.tunnel).toEqual({ kind: 'closed' });
  await server[Symbol.asyncDispose]();
});

describe('without an answer', () => {
  test('a proxy that is silent', async () => {
    await using server = await startTcpServer();
    await using opened = await open(proxyAt(server.port), GITLAB, 0.2);
    expect(opened.tunnel).toEqual({ kind: 'silent' });
  });

  test.each([
    ['closes', (socket: Socket): unknown => socket.end()],
    ['resets', (socket: Socket): unknown => socket.resetAndDestroy()],
  ])('a proxy that %s', async (_word, answer) => {
    await using proxy = await startScriptedProxy(answer);
    await using opened = await open(proxyAt(proxy.port));
    expect(opened.tunnel).toEqual({ kind: 'closed' });
  });

  test('a proxy that was gone before it was asked', async () => {
    await using server = await startTcpServer((socket) => socket.resetAndDestroy());
    const socket = connect({ host: '127.0.0.1', port: server.port });
    socket.on('error', () => {});
    await expect.poll(() => socket.closed).toBe(true);
    using deadline = deadlineOf(5);
    const tunnel = await openTunnel(socket, proxyAt(server.port), GITLAB, deadline.signal);
    expect(tunnel).toEqual({ kind: 'closed' });
  });
});

describe('SOCKS5', () => {
  test('passes the name on, and the tunnel reaches the host', async () => {
    await using web = await startTcpServer((socket) => socket.end('hello'));
    await using socks = await startSocksServer({}, web.port);
    await using opened = await open(proxyAt(socks.port, { scheme: 'socks5' }));
    expect(opened.tunnel).toEqual({ kind: 'open' });
    expect(socks.wanted).toEqual(['gitlab.test:8443 (3)']);
    const chunks = (await opened.socket.toArray()) as Buffer[];
    expect(Buffer.concat(chunks).toString()).toBe('hello');
  });

  test('gives user and password when it is asked for them', async () => {
    await using socks = await startSocksServer({ user: 'alice', password: 'p@ss:w/rd' });
    const proxy = proxyAt(socks.port, { scheme: 'socks5', credentials: ALICE });
    await using opened = await open(proxy);
    expect([opened.tunnel, socks.logins]).toEqual([{ kind: 'open' }, ['alice:p@ss:w/rd']]);
  });

  const replies: readonly [string, SocksOptions][] = [
    ['byte for byte', { dribbles: true }],
    ['with an IPv6 address', { bound: [4, ...Array<number>(16).fill(7)] }],
    ['with a name', { bound: [3, 4, 97, 98, 99, 100] }],
    ['with a name, byte for byte', { bound: [3, 4, 97, 98, 99, 100], dribbles: true }],
  ];
  test.each(replies)('reads a reply %s to its last byte', async (_how, options) => {
    await using web = await startTcpServer((socket) => socket.end('hello'));
    await using socks = await startSocksServer(options, web.port);
    await using opened = await open(proxyAt(socks.port, { scheme: 'socks5' }));
    const chunks = (await opened.socket.toArray()) as Buffer[];
    expect([opened.tunnel, Buffer.concat(chunks).toString()]).toEqual([{ kind: 'open' }, 'hello']);
  });

  test.each([
    [{ reply: 1 }, {}, 502, 'general SOCKS server failure'],
    [{ reply: 2 }, {}, 403, 'connection not allowed by ruleset'],
    [{ reply: 5 }, {}, 502, 'connection refused'],
    [{ reply: 99 }, {}, 502, 'SOCKS error 99'],
    [{ user: 'alice' }, {}, 407, 'authentication required'],
    [{ user: 'alice' }, { credentials: ALICE }, 407, 'username or password refused'],
  ])('%o is a refusal with its own message', async (options, over, status, phrase) => {
    await using socks = await startSocksServer(options);
    await using opened = await open(proxyAt(socks.port, { scheme: 'socks5', ...over }));
    expect(opened.tunnel).toEqual({ kind: 'refused', status, phrase, headers: {} });
  });

  test('an HTTP proxy is not taken for one', async () => {
    await using server = await startTcpServer((socket) => socket.end('HTTP/1.1 400 Bad\r\n\r\n'));
    await using opened = await open(proxyAt(server.port, { scheme: 'socks5' }));
    expect(opened.tunnel).toEqual({ kind: 'not-a-proxy', firstBytes: '4854' });
  });

  test.each([
    ['silent', (): unknown => undefined],
    ['closed', (socket: Socket): unknown => socket.end()],
  ])('a server may be %s', async (kind, answer) => {
    await using server = await startTcpServer((socket) =>
      socket.once('data', () => answer(socket)),
    );
    await using opened = await open(proxyAt(server.port, { scheme: 'socks5' }), GITLAB, 0.3);
    expect(opened.tunnel).toEqual({ kind });
  });
});
