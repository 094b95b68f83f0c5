/** A proxy that is spoken to over TLS: Go trusts it by the same files as GitLab. */
import { describe, expect, test } from 'vitest';

import type { Walk } from '../../src/core/probe.ts';
import { TrustStore } from '../../src/go/tls/trust.ts';
import { createProxy } from '../../src/probes/proxy.ts';
import { daysFromNow, make, makeRoot } from '../support/certificates.ts';
import { proxyAt } from '../support/connect-proxy.ts';
import { startTlsProxy } from '../support/forwarding-proxy.ts';
import { BUNDLE, CERTS, dial, trustFolder } from '../support/probe-tls.ts';
import { ENDPOINT } from '../support/probes.ts';
import { runProbe } from '../support/run-probe.ts';
import { startTcpServer } from '../support/tcp-server.ts';

const root = makeRoot({ name: 'Test Root' });
const good = make({ name: 'proxy.test', dns: ['proxy.test'] }, root);

/** What the proxy link finds at a port, with the root in the system bundle. */
async function found(port: number) {
  await using folder = await trustFolder({ [BUNDLE]: root.pem });
  const walk: Walk = {
    addresses: [{ address: '127.0.0.1', family: 4 }],
    socket: await dial(port),
    open: async () => await dial(port),
  };
  const proxy = proxyAt(port, { scheme: 'https', host: 'proxy.test' });
  try {
    return await runProbe(
      createProxy(new TrustStore()),
      { ...ENDPOINT, proxy, trust: { certsDirectory: CERTS } },
      { tools: { walk, paths: folder.paths } },
    );
  } finally {
    walk.socket?.destroy();
  }
}

test('a proxy whose certificate is good opens the path', async () => {
  await using gitlab = await startTcpServer();
  await using proxy = await startTlsProxy(gitlab.port, good);

  expect(await found(proxy.port)).toMatchObject({ status: 'pass' });
});

describe('a certificate that the runner does not accept', () => {
  test.each([
    ['self-signed', make({ name: 'proxy.test', dns: ['proxy.test'] })],
    [
      'expired',
      make({ name: 'p', dns: ['proxy.test'], from: daysFromNow(-9), until: daysFromNow(-2) }, root),
    ],
    ['name-mismatch', make({ name: 'p', dns: ['other.test'] }, root)],
  ])('%s', async (problem, certificate) => {
    await using gitlab = await startTcpServer();
    await using proxy = await startTlsProxy(gitlab.port, certificate);

    expect(await found(proxy.port)).toMatchObject({
      status: 'fail',
      reason: 'certificate-refused',
      facts: { problem, proxy: `proxy.test:${proxy.port}` },
    });
  });
});

test('a plain proxy behind https:// is no proxy', async () => {
  await using talkative = await startTcpServer((socket) =>
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  );

  expect(await found(talkative.port)).toMatchObject({ status: 'fail', reason: 'not-a-proxy' });
});

test('an unknown alert names no cause', async () => {
  // Record of an alert: fatal, 80 (internal error).
  const alert = Buffer.from([0x15, 3, 3, 0, 2, 2, 80]);
  await using broken = await startTcpServer((socket) => socket.end(alert));

  expect(await found(broken.port)).toMatchObject({ status: 'unknown', reason: 'proxy-error' });
});
