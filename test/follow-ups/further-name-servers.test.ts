/** Name servers that the runner does not ask: they are asked after a lookup has failed. */
import { expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { Walk } from '../../src/core/probe.ts';
import { furtherNameServers } from '../../src/follow-ups/further-name-servers.ts';
import { dns } from '../../src/probes/dns.ts';
import type { Script } from '../support/dns-server.ts';
import { rootFolder, startDnsServer } from '../support/dns-server.ts';
import { ENDPOINT } from '../support/probes.ts';
import { followUp } from '../support/run-follow-up.ts';
import { runProbe } from '../support/run-probe.ts';

const OPTIONS = 'search .\noptions timeout:1 attempts:1\n';
const knows: Script = (_name, type) => (type === 'A' ? ['10.0.0.5'] : []);

async function runOnce(dnsPort: number, files: Readonly<Record<string, string>>): Promise<Finding> {
  await using root = await rootFolder(files);
  const walk: Walk = {};
  const target = { ...ENDPOINT, url: new URL('https://gitlab.test/') };
  const tools = { paths: root.paths, dnsPort, walk };
  const finding = await runProbe(dns, target, { tools });
  return await followUp(furtherNameServers, { link: 'dns', finding, target, tools });
}

test('the fourth server of resolv.conf knows the name, and is never asked', async () => {
  await using wrong = await startDnsServer(() => 'nxdomain');
  await using right = await startDnsServer(knows, '127.0.0.4', wrong.port);
  const servers = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'];
  const text = servers.map((server) => `nameserver ${server}\n`).join('') + OPTIONS;
  expect(await runOnce(wrong.port, { '/etc/resolv.conf': text })).toMatchObject({
    status: 'fail',
    reason: 'not-found',
    facts: { unused_server: '127.0.0.4' },
  });
  expect(right.asked).toContain('A gitlab.test');
});

test('systemd-resolved has no answer, because its own server has none', async () => {
  await using stub = await startDnsServer(() => 'servfail', '127.0.0.53');
  await using own = await startDnsServer(() => 'refused', '127.0.0.8', stub.port);
  const finding = await runOnce(stub.port, {
    '/etc/resolv.conf': `nameserver 127.0.0.53\n${OPTIONS}`,
    '/run/systemd/resolve/resolv.conf': 'nameserver 127.0.0.8\n',
  });
  expect(finding).toMatchObject({
    status: 'fail',
    reason: 'server-failure',
    facts: {
      forwarder: 'systemd-resolved',
      upstream: '127.0.0.8',
      upstreams: '127.0.0.8 refused',
    },
  });
  expect(own.asked).toHaveLength(2);
});

test('without further servers the finding stays as it is', async () => {
  await using server = await startDnsServer(() => 'nxdomain');
  const finding = await runOnce(server.port, {
    '/etc/resolv.conf': `nameserver 127.0.0.1\n${OPTIONS}`,
  });
  expect(finding.facts).not.toHaveProperty('forwarder');
  expect(finding.facts).not.toHaveProperty('unused_server');
});
