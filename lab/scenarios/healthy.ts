/** Healthy but unusual. No row may alert; a notice only where the row allows it. */
import { setTimeout as delay } from 'node:timers/promises';

import { daysFromNow, make, makeRoot } from '../../test/support/certificates.ts';
import { DEAD_ADDRESS, GITLAB_ADDRESS, GITLAB_ADDRESS_6, RUNNER_ADDRESS } from '../network.ts';
import { holdConnections } from '../peers/connections.ts';
import { usualScript } from '../peers/names.ts';
import {
  FROM_PRIVATE_ROOT,
  LAB_TRUST,
  PRIVATE_ROOT,
  PUBLIC_ROOT,
  leafShape,
  withChain,
} from '../peers/pki.ts';
import { OPEN, startProxy } from '../peers/proxy.ts';
import { isRunnerApi, nginxPage, everywhere, tooMany } from '../replies.ts';
import { CANARY, usualEntry } from '../runner-config.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';

const CERTS = '/etc/gitlab-runner/certs/gitlab.test.crt';
const DEAD_PROXY = `http://${DEAD_ADDRESS}:3128`;
const OUTAGE_MILLISECONDS = 40_000;

const oldRoot = makeRoot({ name: 'Lab Ancient Root', organisation: LAB_TRUST });
const expiredCross = make(
  {
    name: 'Lab Public Root',
    organisation: LAB_TRUST,
    keys: PUBLIC_ROOT.keys,
    isAuthority: true,
    from: daysFromNow(-900),
    until: daysFromNow(-30),
  },
  oldRoot,
);

/** For the rest of the outage it counts as a restart. */
async function restStaysNamed({ daemon }: World, since: number): Promise<string | undefined> {
  await delay(Math.max(0, since + OUTAGE_MILLISECONDS - Date.now()));
  const ids = (await daemon.report()).causes.map(({ id }) => id).join();
  return ids === 'gitlab-booting' ? undefined : `it names ${ids}`;
}

/** Every one of these matches gitlab.test by Go's rules. */
const EXEMPTIONS = ['.test', 'test', '*.test', 'gitlab.test', 'foo, gitlab.test'];

const exemptRows: readonly Row[] = EXEMPTIONS.map((list, nth) => ({
  id: `Z-08${'abcde'[nth] ?? ''}`,
  title: `a dead proxy is set, and NO_PROXY=${list} exempts GitLab`,
  world: { environment: { HTTPS_PROXY: DEAD_PROXY, NO_PROXY: list } },
  allowed: [],
}));

export const healthyRows: readonly Row[] = [
  {
    id: 'Z-01',
    title: 'GitLab lives below /gitlab',
    world: { basePath: '/gitlab', entries: [usualEntry({ url: 'https://gitlab.test/gitlab' })] },
    allowed: [],
  },
  {
    id: 'Z-02',
    title: 'a private authority is installed in the certs folder',
    world: { certificate: FROM_PRIVATE_ROOT, files: () => ({ [CERTS]: PRIVATE_ROOT.pem }) },
    allowed: [],
  },
  {
    id: 'Z-03',
    title: 'the API answers 401, the health pages 404, and / redirects (with Z-04 and Z-05)',
    allowed: [],
  },
  {
    id: 'Z-06',
    title: 'host and GitLab have IPv6 only',
    world: {
      files: () => ({ '/etc/resolv.conf': `nameserver ${GITLAB_ADDRESS_6}\n` }),
      before: async ({ network, names }) => {
        await network.run('rn', `ip addr del ${RUNNER_ADDRESS}/24 dev v0`);
        names.answer((name, type) =>
          name === 'gitlab.test' && type === 'AAAA' ? [GITLAB_ADDRESS_6] : [],
        );
      },
    },
    allowed: [],
  },
  {
    id: 'Z-07',
    title: 'the IPv6 address is dead, the IPv4 one is fine',
    world: {
      before: async ({ names }) =>
        names.answer((name, type, transport) =>
          name === 'gitlab.test' && type === 'AAAA'
            ? ['fd00:200::77']
            : usualScript(name, type, transport),
        ),
    },
    allowed: ['ipv6-path-broken'],
  },
  ...exemptRows,
  {
    id: 'Z-09',
    title: 'the proxy is needed, and it is set right',
    world: {
      environment: { HTTPS_PROXY: 'http://proxy.test:3128' },
      before: async (world) => {
        await world.network.rule(
          'gl',
          'input',
          'iifname v0 ip daddr 10.200.0.2 tcp dport 443 drop',
        );
        world.adopt(await startProxy(OPEN));
      },
    },
    allowed: [],
  },
  {
    id: 'Z-10',
    title: 'polls for jobs are held 50 s and answered 204 (with Z-11: the runner logs nothing)',
    world: { pollMilliseconds: 50_000 },
    allowed: [],
  },
  {
    id: 'Z-12',
    title: 'unknown keys, and comments',
    world: { entries: [usualEntry({ more: '  # a comment\n  favourite_colour = "green"' })] },
    allowed: ['config-unknown-key'],
  },
  {
    id: 'Z-20',
    title: 'three requests are answered 429, then all is fine',
    runnerIsTroubled: true,
    act: ({ answers }) => {
      let left = 3;
      answers((asked) => {
        if (!isRunnerApi(asked) || left === 0) return undefined;
        left -= 1;
        return tooMany('429 Too Many Requests', 2);
      });
    },
    allowed: ['gitlab-rate-limited', 'monitor-throttled'],
  },
  {
    id: 'Z-21',
    title: 'one packet of a hundred is lost, and one query of ten',
    // Counted, not drawn by lot: no query is lost twice in a row, which the runner itself would not survive.
    act: async ({ network }) => {
      await network.rule('gl', 'input', 'udp dport 53 numgen inc mod 10 == 0 drop');
      await network.rule('gl', 'input', 'meta l4proto tcp numgen inc mod 100 == 0 drop');
    },
    allowed: [],
  },
  {
    id: 'Z-22',
    title: 'GitLab restarts for 40 s, and answers 502 meanwhile',
    inject: ({ answers }) => answers(everywhere(nginxPage(502, '502 Bad Gateway'))),
    expect: { cause: 'gitlab-booting', severity: 'warning' },
    mustNot: ['gitlab-bad-gateway'],
    holds: restStaysNamed,
    isIntermittent: true,
  },
  {
    id: 'Z-23',
    title: 'url ends in /ci, as it did years ago',
    world: { entries: [usualEntry({ url: 'https://gitlab.test/ci' })] },
    allowed: ['config-unknown-key', 'config-setting-ineffective'],
  },
  {
    id: 'Z-24',
    title: 'a token of the old kind, of 20 characters',
    world: { entries: [usualEntry({ token: `abcdefgh${CANARY}` })] },
    allowed: [],
  },
  {
    id: 'Z-27',
    title: 'the name has two addresses, and the first is dead',
    world: {
      before: async ({ names }) =>
        names.answer((name, type, transport) =>
          name === 'gitlab.test' && type === 'A'
            ? [DEAD_ADDRESS, GITLAB_ADDRESS]
            : usualScript(name, type, transport),
        ),
    },
    allowed: ['gitlab-partial-outage', 'dns-wrong-answer'],
  },
  {
    id: 'Z-28',
    title: 'the chain holds an expired cross-signed root, and another path is good',
    world: { certificate: withChain(make(leafShape(), PUBLIC_ROOT), expiredCross) },
    allowed: ['tls-expiring-soon'],
  },
  {
    id: 'Z-31',
    title: 'a job opens 200 connections at once',
    act: async ({ network, adopt }) =>
      adopt(await holdConnections(network, `${GITLAB_ADDRESS}/80`, 200)),
    allowed: [],
  },
  {
    id: 'Z-35',
    title: 'the host has no IPv6',
    world: {
      before: async ({ network }) =>
        await network.run('rn', 'sysctl -q -w net.ipv6.conf.all.disable_ipv6=1'),
    },
    allowed: [],
  },
  {
    id: 'Z-37',
    title: 'bridges of Docker come and go',
    act: async ({ network }) => {
      for (let nth = 0; nth < 10; nth += 1) {
        await network.run('rn', `ip link add br${nth} type veth && ip link set br${nth} up`);
        await delay(300);
        await network.run('rn', `ip link del br${nth}`);
      }
    },
    allowed: [],
  },
  {
    id: 'Z-38',
    title: 'GitLab on port 8443, its authority in the certs folder',
    world: {
      certificate: FROM_PRIVATE_ROOT,
      entries: [usualEntry({ url: 'https://gitlab.test:8443' })],
      files: () => ({ [CERTS]: PRIVATE_ROOT.pem }),
    },
    allowed: [],
  },
];
