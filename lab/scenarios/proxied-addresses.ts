/** The proxy of the runner leads the name to another machine than GitLab: it is at fault, and neither certificate nor token. */
import { daysFromNow } from '../../test/support/certificates.ts';
import { PROXY_ADDRESS } from '../network.ts';
import type { MachineOptions } from '../peers/machine.ts';
import { startMachine } from '../peers/machine.ts';
import { publicLeaf } from '../peers/pki.ts';
import type { ProxyReply } from '../peers/proxy.ts';
import { OPEN, PROXY_PORT, startProxy } from '../peers/proxy.ts';
import { nginxPage } from '../replies.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';

const EXPIRED = publicLeaf({ from: daysFromNow(-90), until: daysFromNow(-1) });
const CONFIG = '/etc/gitlab-runner/config.toml';

/** What a new certificate or a new runner would not repair. */
const MUST_NOT = [
  'token-rejected',
  'tls-certificate-expired',
  'edge-ip-banned',
  'edge-waf-blocked',
  'runner-disabled-unhealthy',
  'unknown',
];

/** Its own name server has an old address of GitLab. */
const misled: ProxyReply = (asked) =>
  asked.target.startsWith('gitlab.test:') ? { host: PROXY_ADDRESS, port: 443 } : OPEN(asked);

async function useProxy(world: World, says: ProxyReply): Promise<void> {
  await world.release();
  world.adopt(await startProxy(says));
}

const PROXIED: WorldOptions = {
  environment: { HTTPS_PROXY: `http://proxy.test:${PROXY_PORT}` },
  before: async (world) => world.adopt(await startProxy(OPEN)),
};

type Own = Pick<FaultRow, 'id' | 'title'> & { readonly chain: string };

function misledRow(machine: MachineOptions, { chain, ...row }: Own): FaultRow {
  return {
    ...row,
    world: PROXIED,
    inject: async (world) => {
      await useProxy(world, misled);
      await startMachine(world, machine);
    },
    expect: {
      cause: 'proxy-wrong-server',
      severity: 'critical',
      chain,
      says: /through the same proxy 10\.200\.0\.2, which 10\.200\.0\.2 returns on this host/,
    },
    mustNot: MUST_NOT,
    fix: {
      reported: /--connect-to ::10\.200\.0\.2:443[^]*On the proxy: correct the address/,
      apply: async (world) => {
        await useProxy(world, OPEN);
        await world.files.touch(CONFIG);
      },
    },
  };
}

export const proxiedAddressRows: readonly Row[] = [
  misledRow(
    { certificate: EXPIRED },
    {
      id: 'A-12',
      title: 'the proxy leads to an old machine whose certificate has expired',
      chain: 'o/o/d/F/s/s/s',
    },
  ),
  misledRow(
    { reply: nginxPage(403, '403 Forbidden') },
    {
      id: 'A-12b',
      title: 'the proxy leads to an old machine that answers 403',
      chain: 'o/o/d/o/F/s/s',
    },
  ),
  misledRow(
    {},
    {
      id: 'A-12c',
      title: 'the proxy leads to another GitLab, which rejects the token',
      chain: 'o/o/d/o/o/o/F',
    },
  ),
  {
    id: 'A-12d',
    title: 'GitLab has forgotten the token, and the proxy leads to the right one',
    world: PROXIED,
    inject: ({ gitlab, entries }) => void gitlab.application.tokens.delete(entries[0]?.token ?? ''),
    expect: { cause: 'token-rejected', severity: 'critical', chain: 'o/o/o/o/o/o/F' },
    mustNot: ['proxy-wrong-server'],
  },
  {
    id: 'A-12e',
    title: 'the certificate of GitLab has expired, and the proxy leads to the right one',
    world: PROXIED,
    inject: ({ gitlab }) => gitlab.serve(EXPIRED),
    expect: { cause: 'tls-certificate-expired', severity: 'critical', chain: 'o/o/o/F/s/s/s' },
    mustNot: ['proxy-wrong-server'],
  },
];
