/** What runs inside the namespaces: the dns probe on one side, a name server on the other. */
import type { Finding } from '../../src/core/finding.ts';
import { dns } from '../../src/probes/dns.ts';
import { rootFolder, startDnsServer } from '../support/dns-server.ts';
import { ENDPOINT } from '../support/probes.ts';
import { runProbe } from '../support/run-probe.ts';

/** Resolves a name as a host whose resolv.conf has this text. */
export async function lookUp(resolvConf: string): Promise<Finding> {
  await using root = await rootFolder({ '/etc/resolv.conf': resolvConf });
  const paths = { ...root.paths, procfs: '/proc', sysfs: '/sys' };
  // No test here is about a slow answer, and a machine that is busy gives one.
  return await runProbe(dns, ENDPOINT, { options: { slow_seconds: 60 }, tools: { paths } });
}

/** Answers over UDP only that the answer does not fit; over TCP it would. Never ends. */
export async function serveTruncated(address: string): Promise<void> {
  await using server = await startDnsServer(
    (_name, _type, transport) => (transport === 'udp' ? 'truncated' : ['10.0.0.5']),
    address,
    53,
  );
  process.stdout.write(`listening on ${server.port}\n`);
  await new Promise(() => {});
}
