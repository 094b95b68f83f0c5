/** The container of a runner has old name servers, and its host has others by now. */
import { afterAll, expect, test } from 'vitest';

import type { PlaceResolver } from '../../src/core/place.ts';
import type { LinkTools, Walk } from '../../src/core/probe.ts';
import { dnsCrossCheck } from '../../src/follow-ups/dns-cross-check.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { dns } from '../../src/probes/dns.ts';
import {
  ALIVE,
  DEAD,
  DIALLED,
  ONE,
  only,
  ROOTS,
  startGitLab,
  TIMEOUT,
} from '../support/cross-check.ts';
import type { Script } from '../support/dns-server.ts';
import { rootFolder, startDnsServer } from '../support/dns-server.ts';
import { ENDPOINT } from '../support/probes.ts';
import { followUp } from '../support/run-follow-up.ts';
import { runProbe } from '../support/run-probe.ts';

const NEW = '127.0.0.2';
const RESOLVER: PlaceResolver = {
  engine: 'docker',
  servers: [],
  hasHostNetwork: true,
  where: 'where the container is made (--dns, --dns-search)',
};
const host = await rootFolder({ '/etc/resolv.conf': `nameserver ${NEW}\n` });
afterAll(async () => await host[Symbol.asyncDispose]());

interface Stage {
  readonly old: Script | 'gone';
  readonly now: Script;
  readonly resolver?: PlaceResolver;
}

/** As the lookup fails; or as the address of the lookup fails. */
async function findings({ old, now, resolver = RESOLVER }: Stage) {
  await using gitlab = await startGitLab();
  await using second = await startDnsServer(now, NEW);
  await using first = await startDnsServer(
    old === 'gone' ? now : old,
    old === 'gone' ? '127.0.0.3' : '127.0.0.1',
    second.port,
  );
  await using root = await rootFolder({ '/etc/resolv.conf': ONE, ...ROOTS });
  const { paths } = root;
  const place = { ...PACKAGED_PLACE, paths, hostPaths: host.paths, resolver };
  const walk: Walk = { attempts: [DIALLED] };
  const target = { ...ENDPOINT, url: new URL(`https://gitlab.test:${gitlab.port}/`) };
  const tools: Partial<LinkTools> = { paths, dnsPort: first.port, walk, place };
  const { attachments: _, ...found } = await runProbe(dns, target, { tools });
  const looked = await followUp(dnsCrossCheck, { link: 'dns', finding: found, target, tools });
  const dialled = await followUp(dnsCrossCheck, { ...TIMEOUT, base: looked, target, tools });
  return { found, looked, dialled };
}

const nowhere: Script = () => 'nxdomain';

test.each<[string, Script | 'gone', string]>([
  ['knows no such name', nowhere, 'not-found'],
  ['returns an error', () => 'servfail', 'server-failure'],
  ['is silent', () => 'silent', 'timeout'],
  ['has gone', 'gone', 'resolver-down'],
])('the old one %s, the new one knows the name', async (_name, old, reason) => {
  const { found, looked } = await findings({ old, now: only(ALIVE) });
  expect(found).toMatchObject({ status: 'fail', reason });
  expect(looked).toMatchObject({
    status: 'fail',
    reason: 'outdated-copy',
    facts: {
      wrong: 'no address',
      wrong_source: '127.0.0.1',
      right: ALIVE,
      right_source: NEW,
      host_server: NEW,
      host_file: '/etc/resolv.conf',
    },
  });
});

test('the old one has an address that does not answer, the new one that of GitLab', async () => {
  const { looked, dialled } = await findings({ old: only(DEAD), now: only(ALIVE) });
  expect(looked.status).toBe('pass');
  expect(dialled).toMatchObject({
    status: 'warn',
    reason: 'outdated-copy',
    facts: { trial: 'connect', wrong: DEAD, right: ALIVE, host_server: NEW },
  });
});

const SAME = { status: 'fail', reason: 'timeout' };

test.each<[string, Script]>([
  ['knows no such name either', nowhere],
  ['is silent, too', () => 'silent'],
])('the old one is silent, and the new one %s: the finding stays', async (_name, now) => {
  const { looked } = await findings({ old: () => 'silent', now });
  expect(looked).toMatchObject(SAME);
});

test('it was made with the one that is silent: that is said, and a restart is none of the fixes', async () => {
  const resolver = { ...RESOLVER, servers: ['127.0.0.1'] };
  const all = await findings({ old: () => 'silent', now: only(ALIVE), resolver });
  expect(all.looked).toMatchObject(SAME);
  expect(all.looked.facts).toMatchObject({ servers_set: RESOLVER.where, host_server: NEW });
});

test('both work: nothing is said', async () => {
  const { found, looked } = await findings({ old: only(ALIVE), now: only(DEAD) });
  expect(looked).toEqual(found);
});
