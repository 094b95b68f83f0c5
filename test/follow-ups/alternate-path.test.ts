/** Ways that are not in force, tried for real: a TLS server on loopback as GitLab, and proxies before it. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createSecureContext, createServer } from 'node:tls';

import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { EndpointTarget, ProxyAlternative, ProxyDecision } from '../../src/core/target.ts';
import { TrustStore } from '../../src/go/tls/trust.ts';
import type { FollowUpMemory } from '../../src/checks/follow-up.ts';
import { createAlternatePath } from '../../src/follow-ups/alternate-path.ts';
import { make, makeRoot } from '../support/certificates.ts';
import { proxyAt, startScriptedProxy } from '../support/connect-proxy.ts';
import { startForwardingProxy } from '../support/forwarding-proxy.ts';
import { BUNDLE, CERTS, HOST, trustFolder } from '../support/probe-tls.ts';
import { followUp } from '../support/run-follow-up.ts';
import type { TcpServer } from '../support/tcp-server.ts';
import { closedPort, startTcpServer } from '../support/tcp-server.ts';
import { startTlsServer } from '../support/tls-server.ts';

const root = makeRoot({ name: 'Test Root' });
const leaf = make({ name: HOST, dns: [HOST] }, root);
const DIRECT: ProxyDecision = { kind: 'direct', because: 'HTTPS_PROXY is not set' };

interface Question {
  /** The one of another question; made of this one when absent. */
  readonly target?: EndpointTarget;
  readonly port: number;
  readonly proxy?: ProxyDecision;
  readonly alternatives?: readonly ProxyAlternative[];
  /** What the walk has found last, by link. */
  readonly findings: Readonly<Record<string, Finding>>;
  readonly memory?: FollowUpMemory;
}

async function alternatePathOf(question: Question): Promise<Finding> {
  const { findings, target = targetOf(question), memory = new Map() } = question;
  await using folder = await trustFolder({
    [BUNDLE]: root.pem,
    '/etc/hosts': `127.0.0.1 ${HOST} proxy.test\n`,
  });
  const [[link, finding] = ['', { status: 'pass' } as const]] = Object.entries(findings);
  const tools = { paths: folder.paths };
  const alternatePath = createAlternatePath(new TrustStore());
  return await followUp(alternatePath, { link, finding, target, tools, memory });
}

function targetOf({
  port,
  proxy = DIRECT,
  alternatives = [],
}: Omit<Question, 'findings'>): EndpointTarget {
  const url = new URL(`https://${HOST}:${port}/`);
  const trust = { certsDirectory: CERTS };
  return { kind: 'endpoint', id: url.href, url, trust, proxy, alternatives };
}

const broken = (reason: string): Finding => ({ status: 'fail', reason, detail: 'seen' });
const hint = (decision: ProxyDecision, isForRunner = true): ProxyAlternative => ({
  decision,
  source: '/etc/environment:3',
  isForRunner,
});

describe('where nothing is to be tried', () => {
  test('a way that is open is left alone', async () => {
    const port = await closedPort();

    expect(await alternatePathOf({ port, findings: { connect: { status: 'pass' } } })).toEqual({
      status: 'pass',
      measures: { tried: 0 },
    });
  });

  test('without another way there is nothing to say', async () => {
    const port = await closedPort();

    expect(await alternatePathOf({ port, findings: { connect: broken('timeout') } })).toEqual({
      status: 'pass',
      measures: { tried: 0 },
    });
  });
});

/** Lets a first message through when it comes whole, and is no longer than a packet; of any other it cuts the connection. */
async function startShortSighted(port: number): Promise<TcpServer> {
  return await startTcpServer((socket) => {
    socket.once('data', (first: Buffer) => {
      const recordBytes = first.readUInt16BE(3) + 5;
      if (recordBytes > ONE_PACKET || first.length < recordBytes) return void socket.destroy();
      const gitlab = connect(port, '127.0.0.1');
      gitlab.on('error', () => socket.destroy());
      gitlab.write(first);
      socket.pipe(gitlab).pipe(socket);
    });
  });
}

const ONE_PACKET = 1400;

test('a first message of one packet gets through where that of the runner does not', async () => {
  await using gitlab = await startTlsServer({ chain: [leaf] });
  await using filter = await startShortSighted(gitlab.port);

  expect(
    await alternatePathOf({ port: filter.port, findings: { tls: broken('handshake-blocked') } }),
  ).toMatchObject({ status: 'warn', reason: 'small-hello-works' });
});

describe('a proxy that is written down', () => {
  test('and opens the path is named with its place, without its password', async () => {
    await using gitlab = await startTlsServer({ chain: [leaf] });
    await using proxy = await startForwardingProxy(gitlab.port);
    const decision = proxyAt(proxy.port, { host: 'proxy.test' });

    const finding = await alternatePathOf({
      port: gitlab.port,
      alternatives: [hint(decision, false)],
      findings: { connect: broken('timeout') },
    });

    expect(finding).toEqual({
      status: 'warn',
      reason: 'known-proxy-works',
      detail: `through the proxy proxy.test:${proxy.port}, configured in /etc/environment:3, GitLab is reachable`,
      measures: { tried: 1 },
      facts: {
        proxy: `proxy.test:${proxy.port}`,
        proxy_url: `http://proxy.test:${proxy.port}`,
        variable: 'HTTPS_PROXY',
        source: '/etc/environment:3',
        is_for_runner: false,
      },
    });
  });

  test('and refuses is not named', async () => {
    await using gitlab = await startTlsServer({ chain: [leaf] });
    await using proxy = await startScriptedProxy((socket) =>
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'),
    );

    expect(
      await alternatePathOf({
        port: gitlab.port,
        alternatives: [hint(proxyAt(proxy.port))],
        findings: { dns: broken('not-found') },
      }),
    ).toEqual({ status: 'pass', measures: { tried: 1 } });
  });
});

describe('the direct way beside a proxy that is in force', () => {
  test('is open, and the entry of NO_PROXY that was meant is named', async () => {
    await using gitlab = await startTlsServer({ chain: [leaf] });
    const nearMiss = { entry: '10.0.0.0/8', because: 'a network matches only addresses' };

    expect(
      await alternatePathOf({
        port: gitlab.port,
        proxy: proxyAt(await closedPort(), { nearMiss }),
        findings: { proxy: broken('denied') },
      }),
    ).toMatchObject({
      status: 'warn',
      reason: 'direct-works',
      facts: { is_internal: true, no_proxy_entry: '10.0.0.0/8' },
    });
  });

  test('is open, and the file that would exempt GitLab is named', async () => {
    await using gitlab = await startTlsServer({ chain: [leaf] });

    expect(
      await alternatePathOf({
        port: gitlab.port,
        proxy: proxyAt(await closedPort()),
        alternatives: [hint({ kind: 'direct', because: 'NO_PROXY has it' })],
        findings: { proxy: broken('unreachable') },
      }),
    ).toMatchObject({ reason: 'direct-works', facts: { source: '/etc/environment:3' } });
  });

  test('is closed too, so there is nothing to say', async () => {
    const port = await closedPort();

    expect(
      await alternatePathOf({
        port,
        proxy: proxyAt(port),
        findings: { proxy: broken('unreachable') },
      }),
    ).toEqual({ status: 'pass', measures: { tried: 1 } });
  });
});

function findingsWith(fingerprint: string): Record<string, Finding> {
  return { tls: { ...broken('unknown-authority'), facts: { fingerprint_sha256: fingerprint } } };
}

describe('a certificate that arrives through a proxy', () => {
  test('is another one than on the direct way: it was replaced', async () => {
    await using gitlab = await startTlsServer({ chain: [leaf] });
    await using proxy = await startForwardingProxy(gitlab.port);

    expect(
      await alternatePathOf({
        port: gitlab.port,
        proxy: proxyAt(proxy.port),
        findings: findingsWith('AA:BB'),
      }),
    ).toMatchObject({
      reason: 'intercepted',
      facts: { because: 'differs-from-direct', proxy: `127.0.0.1:${proxy.port}` },
    });
  });

  test('is made for any name that is asked for, where no direct way is open to compare', async () => {
    await using minting = await startMintingServer();
    await using proxy = await startForwardingProxy(minting.port);

    expect(
      await alternatePathOf({
        port: await closedPort(),
        proxy: proxyAt(proxy.port),
        findings: findingsWith('AA:BB'),
      }),
    ).toMatchObject({ reason: 'intercepted', facts: { because: 'made-for-any-name' } });
  });

  test('is the same on both ways: it is GitLab’s own', async () => {
    await using gitlab = await startTlsServer({ chain: [leaf] });
    await using proxy = await startForwardingProxy(gitlab.port);
    const { fingerprint256 } = new X509Certificate(leaf.pem);

    expect(
      await alternatePathOf({
        port: gitlab.port,
        proxy: proxyAt(proxy.port),
        findings: findingsWith(fingerprint256),
      }),
    ).toEqual({ status: 'pass', measures: { tried: 2 } });
  });
});

test('the same fault is tried again only after a minute, another one at once, and any in a new plan', async () => {
  await using proxy = await startScriptedProxy((socket) =>
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'),
  );
  const port = await closedPort();
  const question = {
    port,
    alternatives: [hint(proxyAt(proxy.port))],
  };
  const target = targetOf(question);
  const memory: FollowUpMemory = new Map();
  const timeout = { connect: broken('timeout') };
  const refused = { connect: broken('refused') };

  await alternatePathOf({ ...question, target, memory, findings: timeout });
  await alternatePathOf({ ...question, target, memory, findings: timeout });
  expect(proxy.received).toHaveLength(1);
  await alternatePathOf({ ...question, target, memory, findings: refused });
  expect(proxy.received).toHaveLength(2);
  await alternatePathOf({ ...question, findings: refused, memory: new Map() });
  expect(proxy.received).toHaveLength(3);
});

/** Makes a certificate for whatever name it is asked for, as an intercepting proxy does. */
async function startMintingServer() {
  const authority = makeRoot({ name: 'Corporate Proxy CA' });
  const server = createServer({
    SNICallback: (name, done) => {
      const { pem, keyPem } = make({ name, dns: [name] }, authority);
      done(null, createSecureContext({ cert: pem, key: keyPem }));
    },
  });
  server
    .on('tlsClientError', () => {})
    .on('secureConnection', (socket) => socket.on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** Over a proxy whose URL begins with https. */
async function askedForTls(script: Parameters<typeof startScriptedProxy>[0]): Promise<Finding> {
  await using proxy = await startScriptedProxy(script);
  const via = { ...proxyAt(proxy.port), scheme: 'https' } as const;
  return await alternatePathOf({ port: 443, proxy: via, findings: { proxy: broken('closed') } });
}

describe('TLS is asked of a proxy', () => {
  test('that opens tunnels or refuses them without it', async () => {
    for (const answer of ['200 OK', '407 Proxy Authentication Required']) {
      expect(await askedForTls((socket) => socket.end(`HTTP/1.1 ${answer}\r\n\r\n`))).toMatchObject(
        {
          status: 'warn',
          reason: 'plain-proxy-works',
          facts: { needs_plain: true },
        },
      );
    }
  });

  test('that answers nothing without it either', async () => {
    expect(await askedForTls((socket) => socket.end('SSH-2.0-x\r\n'))).toMatchObject({
      status: 'pass',
    });
  });
});
