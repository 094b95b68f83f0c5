import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { connect as secure, createServer } from 'node:tls';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { decideProxy } from '../../src/go/proxy/decision.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { Walk } from '../../src/core/probe.ts';
import { Secret } from '../../src/core/secret.ts';
import type { EndpointTarget } from '../../src/core/target.ts';
import { selfSigned } from '../support/self-signed.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { proxy as probe } from '../../src/probes/proxy.ts';
import type { Proxy } from '../support/connect-proxy.ts';
import { proxyAt, startScriptedProxy, startSocksServer } from '../support/connect-proxy.ts';
import { ENDPOINT } from '../support/probes.ts';
import { runProbe } from '../support/run-probe.ts';
import type { Squid } from '../support/squid.ts';
import { startSquid } from '../support/squid.ts';
import { closedPort, startTcpServer } from '../support/tcp-server.ts';
import { patient } from '../support/until.ts';

const PASSWORD = 'p@ss:w/rd';
const ALICE = { user: 'alice', password: new Secret(PASSWORD) };

function targetVia(proxy: Proxy, url = 'https://127.0.0.1:8443/'): EndpointTarget {
  return { ...ENDPOINT, url: new URL(url), proxy };
}

async function dialled(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

interface Asked extends Disposable {
  readonly finding: Finding;
  readonly walk: Walk;
}

/** As after the links dns and connect. */
async function ask(proxy: Proxy, url?: string): Promise<Asked> {
  const walk: Walk = {
    addresses: [{ address: '127.0.0.1', family: 4 }],
    socket: await dialled(proxy.port),
    open: () => dialled(proxy.port),
  };
  const finding = await runProbe(probe, targetVia(proxy, url), { tools: { walk } });
  return { finding, walk, [Symbol.dispose]: () => walk.socket?.destroy() };
}

async function textOf(socket: Socket | undefined): Promise<string> {
  const chunks = ((await socket?.toArray()) ?? []) as Buffer[];
  return Buffer.concat(chunks).toString();
}

test('it asks only where there is a proxy', () => {
  expect(probe.applies?.(ENDPOINT, PACKAGED_PLACE)).toBe(false);
  expect(probe.applies?.(targetVia(proxyAt(1)), PACKAGED_PLACE)).toBe(true);
});

test('Go refuses HTTP_PROXY where REQUEST_METHOD is set', async () => {
  const proxy = decideProxy(new URL('http://gitlab.test/'), {
    http_proxy: 'http://proxy.test:3128',
    NO_PROXY: 'gitlab.test',
    REQUEST_METHOD: 'GET',
  });
  const target = { ...ENDPOINT, proxy };
  expect(probe.applies?.(target, PACKAGED_PLACE)).toBe(true);
  expect(await runProbe(probe, target, { tools: { walk: {} } })).toMatchObject({
    status: 'fail',
    reason: 'refused-by-go',
    facts: { variable: 'http_proxy' },
  });
});

test.each(['010.0.0.1', '10.0.0.300', '10.1', '0x0a000001'])(
  'the proxy %s is no address for Go',
  async (host) => {
    const target = targetVia({ ...proxyAt(3128), host });
    expect(await runProbe(probe, target, { tools: { walk: {} } })).toMatchObject({
      status: 'fail',
      reason: 'bad-address',
    });
  },
);

describe('a real squid', () => {
  const stage: { squid?: Squid; port: number } = { port: 0 };
  beforeAll(async () => {
    stage.squid = await startSquid({ users: { alice: PASSWORD } });
    stage.port = stage.squid.port;
  });
  afterAll(async () => {
    await stage.squid?.[Symbol.asyncDispose]();
  });

  test('opens the tunnel with the right password, for TLS and once more', async () => {
    const { certificatePem: cert, privateKeyPem: key } = selfSigned({ commonName: 'gitlab.test' });
    const server = createServer({ cert, key }, (socket) => socket.end('hello'));
    await using web = Object.assign(server.listen(0, '127.0.0.1'), {
      [Symbol.asyncDispose]: async () => void server.close(),
    });
    await once(web, 'listening');
    const { port } = web.address() as { port: number };
    const url = `https://127.0.0.1:${port}/`;
    using asked = await ask(proxyAt(stage.port, { credentials: ALICE }), url);
    expect(asked.finding).toEqual({
      status: 'pass',
      measures: { tunnel_seconds: expect.any(Number) },
      facts: { proxy: `127.0.0.1:${stage.port}`, variable: 'HTTPS_PROXY' },
    });
    const again = await asked.walk.open?.(patient());
    for (const socket of [asked.walk.socket, again]) {
      if (socket === undefined) throw new Error('there is no socket');
      expect(await textOf(secure({ socket, rejectUnauthorized: false }))).toBe('hello');
    }
  });

  test.each([
    ['without credentials', {}, 'auth-required'],
    [
      'with a wrong password',
      { credentials: { user: 'alice', password: new Secret('wr0ng-w0rd') } },
      'auth-rejected',
    ],
  ])('answers 407 %s', async (_how, over, reason) => {
    using asked = await ask(proxyAt(stage.port, over));
    expect(asked.finding).toEqual({
      status: 'fail',
      reason,
      detail: `proxy 127.0.0.1:${stage.port} returned 407 Proxy Authentication Required for CONNECT 127.0.0.1:8443 (ERR_CACHE_ACCESS_DENIED 0)`,
      measures: { tunnel_seconds: expect.any(Number) },
      facts: {
        proxy: `127.0.0.1:${stage.port}`,
        variable: 'HTTPS_PROXY',
        destination: '127.0.0.1:8443',
        status: 407,
      },
    });
    expect(JSON.stringify(asked.finding)).not.toContain('wr0ng-w0rd');
  });

  test('says when it cannot reach what lies behind', async () => {
    const url = `https://127.0.0.1:${await closedPort()}/`;
    using asked = await ask(proxyAt(stage.port, { credentials: ALICE }), url);
    expect(asked.finding).toMatchObject({
      status: 'fail',
      reason: 'upstream-failed',
      detail: expect.stringContaining('returned 503 Service Unavailable for CONNECT'),
      facts: { status: 503 },
    });
  });

  test('forbids a port that is not on its list', async () => {
    await using strict = await startSquid({ ports: [443] });
    using asked = await ask(proxyAt(strict.port));
    expect(asked.finding).toMatchObject({
      status: 'fail',
      reason: 'denied',
      detail: expect.stringContaining(
        'returned 403 Forbidden for CONNECT 127.0.0.1:8443 (ERR_ACCESS_DENIED 0)',
      ),
      facts: { status: 403, destination: '127.0.0.1:8443' },
    });
  });
});

describe('what other proxies do', () => {
  test.each([
    [
      'HTTP/1.1 405 Not Allowed\r\n\r\n',
      'denied',
      'returned 405 Not Allowed for CONNECT 127.0.0.1:8443',
    ],
    ['HTTP/1.1 302 Found\r\n\r\n', 'denied', 'returned 302 Found for CONNECT 127.0.0.1:8443'],
    [
      'HTTP/1.1 502 Bad Gateway\r\n\r\n',
      'upstream-failed',
      'returned 502 Bad Gateway for CONNECT 127.0.0.1:8443',
    ],
    ['HTTP/1.0 500\r\n\r\n', 'upstream-failed', 'returned 500 for CONNECT 127.0.0.1:8443'],
    ['SSH-2.0-OpenSSH_9.2\r\n', 'not-a-proxy', 'responded to CONNECT with "SSH-2.0-OpenSSH_9.2.."'],
    ['', 'closed', 'closed the connection after CONNECT 127.0.0.1:8443'],
  ])('%o fails as %s', async (text, reason, ending) => {
    await using server = await startScriptedProxy((socket) => socket.end(text));
    using asked = await ask(proxyAt(server.port));
    const { finding } = asked;
    expect([finding.status, 'reason' in finding && finding.reason]).toEqual(['fail', reason]);
    expect('detail' in finding && finding.detail.endsWith(ending)).toBe(true);
  });

  test('silence is reported before the deadline of the probe', async () => {
    await using server = await startTcpServer();
    using asked = await ask(proxyAt(server.port));
    expect(asked.finding).toMatchObject({
      status: 'unknown',
      reason: 'silent',
      detail: `proxy 127.0.0.1:${server.port} did not respond to CONNECT 127.0.0.1:8443 before the timeout`,
    });
  });

  test('a tunnel that is refused the second time is an error, and its socket is closed', async () => {
    await using server = await startScriptedProxy((socket, nth) =>
      socket.write(nth === 0 ? 'HTTP/1.1 200 OK\r\n\r\n' : 'HTTP/1.1 503 Busy\r\n\r\n'),
    );
    using asked = await ask(proxyAt(server.port));
    expect(asked.finding.status).toBe('pass');
    const again = asked.walk.open?.(patient());
    await expect(again).rejects.toThrow('the proxy did not reconnect: refused');
    await expect.poll(() => server.openCount()).toBe(1);
  });
});

describe('SOCKS5', () => {
  test.each([
    ['https://gitlab.test/', 'gitlab.test:443 (3)'],
    ['http://gitlab.test/', 'gitlab.test:80 (3)'],
    ['http://gitlab.test:8080/', 'gitlab.test:8080 (3)'],
  ])('leads to %s by its name', async (url, wanted) => {
    await using web = await startTcpServer((socket) => socket.end('hello'));
    await using socks = await startSocksServer({}, web.port);
    using asked = await ask(proxyAt(socks.port, { scheme: 'socks5' }), url);
    expect([asked.finding.status, socks.wanted]).toEqual(['pass', [wanted]]);
    expect(await textOf(asked.walk.socket)).toBe('hello');
  });

  test.each([
    [{ reply: 2 }, {}, 'denied', 'connection not allowed by ruleset'],
    [{ reply: 4 }, {}, 'upstream-failed', 'host unreachable'],
    [{ user: 'alice' }, {}, 'auth-required', 'authentication required'],
    [{ user: 'alice' }, { credentials: ALICE }, 'auth-rejected', 'username or password refused'],
  ])('%o with %o fails as %s', async (options, over, reason, phrase) => {
    await using socks = await startSocksServer(options);
    using asked = await ask(proxyAt(socks.port, { scheme: 'socks5', ...over }));
    expect(asked.finding).toMatchObject({
      status: 'fail',
      reason,
      detail: `proxy 127.0.0.1:${socks.port} returned "${phrase}" for CONNECT 127.0.0.1:8443`,
      facts: { status: phrase },
    });
  });
});

describe('before the tunnel', () => {
  const proxy = proxyAt(3128, { host: 'proxy.test' });

  test('a proxy that does not resolve', async () => {
    expect(await runProbe(probe, targetVia(proxy))).toEqual({
      status: 'fail',
      reason: 'name-not-found',
      detail: 'the proxy proxy.test (from HTTPS_PROXY) does not resolve',
      facts: { proxy: 'proxy.test:3128', variable: 'HTTPS_PROXY' },
    });
  });

  test('a proxy that cannot be connected to', async () => {
    const walk: Walk = { addresses: [{ address: '127.0.0.1', family: 4 }] };
    expect(await runProbe(probe, targetVia(proxy), { tools: { walk } })).toEqual({
      status: 'fail',
      reason: 'unreachable',
      detail: 'the proxy proxy.test:3128 (from HTTPS_PROXY) does not accept connections',
      facts: { proxy: 'proxy.test:3128', variable: 'HTTPS_PROXY' },
    });
  });

  test('for http:// an HTTP proxy is not asked for a tunnel', async () => {
    await using server = await startScriptedProxy(() => {});
    using asked = await ask(proxyAt(server.port), 'http://gitlab.test/');
    expect(asked.finding).toEqual({
      status: 'pass',
      facts: { proxy: `127.0.0.1:${server.port}`, variable: 'HTTPS_PROXY' },
    });
    expect(server.received.join('')).toBe('');
  });
});
