/** What runs on the hosts of the test: a TLS server that prints its port, and probes with a walk of their own. */
import { once } from 'node:events';
import { createServer } from 'node:tls';

import type { Finding } from '../../src/core/finding.ts';
import type { Walk } from '../../src/core/probe.ts';
import type { EndpointTarget } from '../../src/core/target.ts';
import { readRuleset } from '../../src/host/net/firewall.ts';
import { TrustStore } from '../../src/go/tls/trust.ts';
import { createConnect } from '../../src/probes/connect.ts';
import { createDetour } from '../../src/probes/detour.ts';
import { createFirewall } from '../../src/probes/firewall.ts';
import { createTls } from '../../src/probes/tls.ts';
import { make, makeRoot } from '../support/certificates.ts';
import { BUNDLE, CERTS, HOST, trustFolder } from '../support/probe-tls.ts';
import { runProbe } from '../support/run-probe.ts';

/** A chain of two, so that the server's first flight is larger than one small packet. */
export async function serveTls(address: string): Promise<never> {
  const root = makeRoot({ name: 'Test Root' });
  const issuer = make(
    { name: 'Test Issuer', isAuthority: true, keyUsage: 'sign-certificates' },
    root,
  );
  const leaf = make({ name: HOST, dns: [HOST] }, issuer);
  const server = createServer({ cert: leaf.pem + issuer.pem, key: leaf.keyPem }, (socket) => {
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {}).listen(443, address);
  await once(server, 'listening');
  process.stdout.write(root.pem);
  return await new Promise<never>(() => {});
}

function targetAt(uid: number): EndpointTarget {
  return {
    kind: 'endpoint',
    id: `https://${HOST}/`,
    url: new URL(`https://${HOST}/`),
    trust: { certsDirectory: CERTS },
    proxy: { kind: 'direct', because: 'HTTPS_PROXY is not set' },
    uid,
  };
}

/** Findings of connect, tls, detour and firewall, as one walk makes them. */
export async function walkTo(
  addresses: readonly string[],
  root: string,
  uid = 0,
): Promise<Readonly<Record<string, Finding>>> {
  await using folder = await trustFolder({
    [BUNDLE]: root,
    '/etc/hosts': addresses.map((address) => `${address} ${HOST}\n`).join(''),
  });
  const findings = new Map<string, Finding>();
  const walk: Walk = {
    findings,
    addresses: addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
  };
  const store = new TrustStore();
  const target = targetAt(uid);
  const over = { tools: { walk, paths: folder.paths } };
  try {
    findings.set('connect', await runProbe(createConnect(), target, over));
    if (walk.socket !== undefined) {
      findings.set('tls', await runProbe(createTls(store), target, over));
    }
    findings.set('detour', await runProbe(createDetour(store), target, over));
    findings.set('firewall', await runProbe(createFirewall(readRuleset), target, over));
  } finally {
    walk.socket?.destroy();
  }
  return Object.fromEntries(findings);
}
