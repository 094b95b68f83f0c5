/** What runs on the hosts of the test: a TLS server that prints its port, and probes with a walk of their own. */
import { once } from 'node:events';
import { createServer } from 'node:tls';

import { createWalk } from '../../src/checks/walk.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Finding, ProbeResult } from '../../src/core/finding.ts';
import { withFollowUps } from '../../src/core/follow-up.ts';
import type { Probe } from '../../src/core/probe.ts';
import type { EndpointTarget } from '../../src/core/target.ts';
import { createAlternatePath } from '../../src/follow-ups/alternate-path.ts';
import { firewall } from '../../src/follow-ups/firewall.ts';
import { otherAddresses } from '../../src/follow-ups/other-addresses.ts';
import { packetLoss } from '../../src/follow-ups/packet-loss.ts';
import { TrustStore } from '../../src/go/tls/trust.ts';
import { connect } from '../../src/probes/connect.ts';
import { createTls } from '../../src/probes/tls.ts';
import { make, makeRoot } from '../support/certificates.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { runnerProcess } from '../support/runner-process.ts';
import { contextIn } from '../support/places.ts';
import { BUNDLE, CERTS, HOST, trustFolder } from '../support/probe-tls.ts';
import { check, PASS, probe } from '../support/probes.ts';
import { unlimitedBudget } from '../support/run-probe.ts';
import { recordReason } from '../support/recorded-reasons.ts';

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

const TARGET: EndpointTarget = {
  kind: 'endpoint',
  id: `https://${HOST}/`,
  url: new URL(`https://${HOST}/`),
  trust: { certsDirectory: CERTS },
  proxy: { kind: 'direct', because: 'HTTPS_PROXY is not set' },
};

/** Findings of connect, tls, alternate-path and firewall, as one walk makes them. */
export async function walkTo(
  addresses: readonly string[],
  root: string,
  uid = 0,
): Promise<Readonly<Record<string, Finding>>> {
  await using folder = await trustFolder({
    [BUNDLE]: root,
    '/etc/hosts': addresses.map((address) => `${address} ${HOST}\n`).join(''),
  });
  const store = new TrustStore();
  const followUps = [packetLoss, otherAddresses, createAlternatePath(store), firewall];
  const probes = withFollowUps([namedBy(addresses), connect, createTls(store)], followUps);
  const findings: Record<string, Finding> = {};
  const walk = createWalk(
    'walk',
    probes.map((one) => check(one, TARGET)),
    {
      clock: systemClock,
      contexts: [
        contextIn({ ...PACKAGED_PLACE, paths: folder.paths }, { process: runnerProcess({ uid }) }),
      ],
      budget: unlimitedBudget,
      known: () => undefined,
      restore: () => {},
    },
  );
  const tell = ({ check: id, finding }: ProbeResult): void => {
    const name = id.slice(0, id.indexOf('@'));
    findings[name] = finding;
    if (name !== 'dns') recordReason(name, finding);
  };
  await walk.run(AbortSignal.timeout(20_000), tell, true);
  return findings;
}

/** The dns link of a name with these addresses. */
function namedBy(addresses: readonly string[]): Probe {
  return probe({
    id: 'dns',
    kind: 'endpoint',
    run: ({ walk }) => {
      walk.addresses = addresses.map((address) => ({
        address,
        family: address.includes(':') ? 6 : 4,
      }));
      return PASS;
    },
  });
}
