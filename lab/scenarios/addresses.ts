/** The name leads to another machine than GitLab: the address is at fault, and where it comes from is named. */
import { daysFromNow } from '../../test/support/certificates.ts';
import type { Script } from '../../test/support/dns-server.ts';
import { GITLAB_ADDRESS, PROXY_ADDRESS, SECOND_RESOLVER } from '../network.ts';
import { startMachine } from '../peers/machine.ts';
import type { MachineOptions } from '../peers/machine.ts';
import { usualScript } from '../peers/names.ts';
import { publicLeaf } from '../peers/pki.ts';
import { nginxPage } from '../replies.ts';
import { usualEntry } from '../runner-config.ts';
import type { Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';

const HOSTS = '/etc/hosts';
const LOCALHOST = '127.0.0.1 localhost\n';
const RESOLV_CONF = '/etc/resolv.conf';

const AT_TLS = 'do/o/n/F/s/s/s';
const AT_HTTP = 'do/o/n/o/F/s/s';
const AT_TOKEN = 'do/o/n/o/o/o/F';

export const EXPIRED = publicLeaf({ from: daysFromNow(-90), until: daysFromNow(-1) });
const OTHER_NAME = publicLeaf({ name: 'other.test', dns: ['other.test'] });
const PLAIN = 'http://gitlab.test/';
const FORBIDDEN = nginxPage(403, '403 Forbidden');
const WRONG_ADDRESS_6 = '2001:db8:200::4';

/** What none of these may be read as: a new runner or a new certificate would repair nothing. */
export const MUST_NOT = [
  'token-rejected',
  'tls-certificate-expired',
  'tls-hostname-mismatch',
  'tls-unknown-authority',
  'edge-waf-blocked',
  'not-a-gitlab-server',
  'runner-disabled-unhealthy',
  'unknown',
];

export const machine = (options: MachineOptions = {}): WorldOptions => ({
  before: async (world) => await startMachine(world, options),
});

const pin = async ({ files }: World): Promise<void> =>
  await files.write(HOSTS, `${LOCALHOST}${PROXY_ADDRESS} gitlab.test\n`);

const CONFIG = '/etc/gitlab-runner/config.toml';

const unpin = {
  reported: /sudoedit \/etc\/hosts/,
  apply: async ({ files }: World): Promise<void> => await files.write(HOSTS, LOCALHOST),
};

/** The runner has disabled the entry after three refusals. */
const unpinAndRetry = {
  reported: /sudoedit \/etc\/hosts[^]*sudo touch \/etc\/gitlab-runner\/config\.toml/,
  apply: async (world: World): Promise<void> => {
    await unpin.apply(world);
    await world.files.touch(CONFIG);
  },
};

/** The A records of GitLab's name are these. */
const gitlabIs =
  (...addresses: readonly string[]): Script =>
  (name, type, transport) =>
    name === 'gitlab.test' && type === 'A' ? addresses : usualScript(name, type, transport);

const TWO_SERVERS = `nameserver ${GITLAB_ADDRESS}\nnameserver ${SECOND_RESOLVER}\noptions timeout:1 attempts:2\n`;

/** A wildcard of the company's domain, as many have one. */
const withWildcard: Script = (name, type, transport) => {
  if (!name.endsWith('.corp.example')) return usualScript(name, type, transport);
  return type === 'A' ? [PROXY_ADDRESS] : [];
};

const SEARCHED = `search corp.example\nnameserver ${GITLAB_ADDRESS}\noptions timeout:1 attempts:2`;

const searchList: WorldOptions = {
  files: () => ({ [RESOLV_CONF]: `${SEARCHED} ndots:1\n` }),
};

async function wireIpv6({ network }: World): Promise<void> {
  await network.run('gl', `ip addr replace ${WRONG_ADDRESS_6}/64 dev v0 nodad`);
  await network.run('rn', 'ip addr replace 2001:db8:200::1/64 dev v0 nodad');
}

export const addressRows: readonly Row[] = [
  {
    id: 'A-01',
    title: 'a stale hosts line leads to an old machine that answers 403',
    world: machine({ reply: FORBIDDEN }),
    inject: pin,
    expect: {
      cause: 'dns-hosts-override-stale',
      severity: 'critical',
      chain: AT_HTTP,
      says: /etc\/hosts line 2/,
    },
    runnerLogs: /403 Forbidden/,
    mustNot: MUST_NOT,
    fix: unpinAndRetry,
  },
  {
    id: 'A-02',
    title: 'a stale hosts line leads to an old machine whose certificate has expired',
    world: machine({ certificate: EXPIRED }),
    inject: pin,
    expect: { cause: 'dns-hosts-override-stale', severity: 'critical', chain: AT_TLS },
    runnerLogs: /certificate has expired/,
    mustNot: MUST_NOT,
    fix: unpin,
  },
  {
    id: 'A-03',
    title:
      'a stale hosts line leads to another GitLab with a good certificate, which rejects the token',
    world: machine(),
    inject: pin,
    expect: {
      cause: 'dns-hosts-override-stale',
      severity: 'critical',
      chain: AT_TOKEN,
      says: /rejects the token/,
    },
    runnerLogs: /403 Forbidden/,
    mustNot: MUST_NOT,
    fix: unpinAndRetry,
  },
  {
    id: 'A-04',
    title: 'the first name server leads to another GitLab, which rejects the token',
    world: { ...machine(), files: () => ({ [RESOLV_CONF]: TWO_SERVERS }) },
    inject: ({ names }) => names.answer(gitlabIs(PROXY_ADDRESS), usualScript),
    expect: {
      cause: 'dns-wrong-answer',
      severity: 'critical',
      chain: AT_TOKEN,
      says: /name server 10\.200\.0\.2 returns 10\.200\.0\.4/i,
    },
    runnerLogs: /403 Forbidden/,
    mustNot: MUST_NOT,
  },
  {
    id: 'A-05',
    title: 'ndots makes the search domain come first, and a wildcard there leads to a web server',
    world: { ...machine({ certificate: OTHER_NAME }), ...searchList },
    inject: async ({ names, files }) => {
      names.answer(withWildcard);
      await files.edit(RESOLV_CONF, 'ndots:1', 'ndots:5');
    },
    expect: {
      cause: 'dns-search-domain-wrong',
      severity: 'critical',
      chain: AT_TLS,
      says: /gitlab\.test\.corp\.example/,
    },
    runnerLogs: /certificate is valid for/,
    mustNot: MUST_NOT,
    fix: {
      reported: /ndots:1/,
      apply: async ({ files }) => await files.edit(RESOLV_CONF, 'ndots:5', 'ndots:1'),
    },
  },
  {
    id: 'A-05b',
    title: 'ndots makes the search domain come first, and a wildcard there leads to another GitLab',
    world: { ...machine(), ...searchList },
    inject: async ({ names, files }) => {
      names.answer(withWildcard);
      await files.edit(RESOLV_CONF, 'ndots:1', 'ndots:5');
    },
    expect: { cause: 'dns-search-domain-wrong', severity: 'critical', chain: AT_TOKEN },
    runnerLogs: /403 Forbidden/,
    mustNot: MUST_NOT,
  },
  {
    id: 'A-06',
    title: 'the AAAA record leads to an old machine that answers 403, the A record to GitLab',
    world: {
      before: async (world) => {
        await wireIpv6(world);
        await startMachine(world, { address: WRONG_ADDRESS_6, reply: FORBIDDEN });
      },
    },
    inject: ({ names }) =>
      names.answer((name, type, transport) =>
        name === 'gitlab.test' && type === 'AAAA'
          ? [WRONG_ADDRESS_6]
          : usualScript(name, type, transport),
      ),
    expect: {
      cause: 'dns-address-outdated',
      severity: 'critical',
      chain: AT_HTTP,
      says: /AAAA record/,
    },
    runnerLogs: /403 Forbidden/,
    mustNot: MUST_NOT,
  },
  {
    id: 'A-07',
    title: 'the first of two A records leads to an old machine whose certificate has expired',
    world: machine({ certificate: EXPIRED }),
    inject: ({ names }) => names.answer(gitlabIs(PROXY_ADDRESS, GITLAB_ADDRESS)),
    expect: { cause: 'dns-address-outdated', severity: 'critical', chain: AT_TLS },
    runnerLogs: /certificate has expired/,
    mustNot: MUST_NOT,
    fix: {
      reported: /tee -a \/etc\/hosts/,
      apply: async ({ files }) =>
        await files.write(HOSTS, `${LOCALHOST}${GITLAB_ADDRESS} gitlab.test\n`),
    },
  },
  {
    id: 'A-07b',
    title: 'the first of two A records leads to another GitLab, which rejects the token',
    world: machine(),
    inject: ({ names }) => names.answer(gitlabIs(PROXY_ADDRESS, GITLAB_ADDRESS)),
    expect: { cause: 'dns-address-outdated', severity: 'critical', chain: AT_TOKEN },
    runnerLogs: /403 Forbidden/,
    mustNot: MUST_NOT,
  },
  {
    id: 'A-10',
    title: 'a stale hosts line leads to a web server that has no such page',
    world: machine({ reply: nginxPage(404, '404 Not Found') }),
    inject: pin,
    expect: { cause: 'dns-hosts-override-stale', severity: 'critical', chain: 'do/o/n/o/oF/sF/s' },
    runnerLogs: /404 Not Found/,
    mustNot: [...MUST_NOT, 'url-path-wrong', 'gitlab-version-skew'],
    fix: unpin,
  },
  {
    id: 'A-10b',
    title: 'a stale hosts line leads to an old machine whose GitLab is down (502)',
    world: machine({ reply: nginxPage(502, '502 Bad Gateway') }),
    inject: pin,
    expect: { cause: 'dns-hosts-override-stale', severity: 'critical', chain: AT_HTTP },
    runnerLogs: /502 Bad Gateway/,
    mustNot: [...MUST_NOT, 'gitlab-bad-gateway', 'gitlab-booting'],
    fix: unpin,
  },
  {
    id: 'A-11',
    title: 'a stale hosts line and another GitLab, at the usual pace of the checks',
    world: { ...machine(), hasDefaultPace: true },
    inject: pin,
    expect: { cause: 'dns-hosts-override-stale', severity: 'critical', chain: AT_TOKEN },
    runnerLogs: /403 Forbidden/,
    mustNot: MUST_NOT,
    fix: unpinAndRetry,
  },
  {
    id: 'A-13',
    title: 'over http:// a stale hosts line leads to another GitLab, which rejects the token',
    world: { ...machine({ isPlain: true }), entries: [usualEntry({ url: PLAIN })] },
    inject: pin,
    expect: {
      cause: 'dns-hosts-override-stale',
      severity: 'critical',
      chain: 'do/o/n/n/o/o/F',
      says: /rejects the token.*another GitLab answers/,
    },
    runnerLogs: /403 Forbidden/,
    mustNot: MUST_NOT,
    fix: unpinAndRetry,
  },
  {
    id: 'A-13b',
    title: 'over http:// GitLab has forgotten the token, and two of its nodes say so',
    world: {
      entries: [usualEntry({ url: PLAIN })],
      before: async (world) => {
        world.names.answer(gitlabIs(GITLAB_ADDRESS, PROXY_ADDRESS));
        await startMachine(world, { isPlain: true, nodeOf: world.gitlab.application });
      },
    },
    inject: ({ gitlab, entries }) => {
      for (const { token } of entries) gitlab.application.tokens.delete(token);
    },
    expect: { cause: 'token-rejected', severity: 'critical', chain: 'o/o/n/n/o/o/F' },
    runnerLogs: /403 Forbidden/,
    mustNot: ['dns-address-outdated', 'dns-wrong-answer'],
  },
  {
    id: 'A-08',
    title: 'GitLab has forgotten the token, and so say both addresses of its name',
    world: {
      before: async (world) => {
        world.names.answer(gitlabIs(GITLAB_ADDRESS, PROXY_ADDRESS));
        await startMachine(world);
      },
    },
    inject: ({ gitlab, entries }) => {
      for (const { token } of entries) gitlab.application.tokens.delete(token);
    },
    expect: { cause: 'token-rejected', severity: 'critical', chain: 'o/o/n/o/o/o/F' },
    runnerLogs: /403 Forbidden/,
    mustNot: ['dns-address-outdated', 'dns-wrong-answer'],
  },
  {
    id: 'A-08b',
    title: 'the certificate has expired at both addresses of the name',
    world: {
      before: async (world) => {
        world.names.answer(gitlabIs(GITLAB_ADDRESS, PROXY_ADDRESS));
        await startMachine(world, { certificate: EXPIRED });
      },
    },
    inject: async ({ gitlab }) => await gitlab.serve(EXPIRED),
    expect: { cause: 'tls-certificate-expired', severity: 'critical', chain: 'o/o/n/F/s/s/s' },
    mustNot: ['dns-address-outdated', 'dns-wrong-answer'],
  },
  {
    id: 'A-09',
    title: 'split horizon: the hosts file has the inner address, DNS a web server of the outside',
    world: {
      before: async (world) => {
        world.names.answer(gitlabIs(PROXY_ADDRESS));
        await startMachine(world, { reply: FORBIDDEN });
      },
      files: () => ({ [HOSTS]: `${LOCALHOST}${GITLAB_ADDRESS} gitlab.test\n` }),
    },
    allowed: [],
  },
  {
    id: 'A-09b',
    title: 'split horizon, and the inner GitLab has forgotten the token',
    world: {
      before: async (world) => {
        world.names.answer(gitlabIs(PROXY_ADDRESS));
        await startMachine(world, { certificate: OTHER_NAME, reply: FORBIDDEN });
      },
      files: () => ({ [HOSTS]: `${LOCALHOST}${GITLAB_ADDRESS} gitlab.test\n` }),
    },
    inject: ({ gitlab, entries }) => {
      for (const { token } of entries) gitlab.application.tokens.delete(token);
    },
    expect: { cause: 'token-rejected', severity: 'critical', chain: 'o/o/n/o/o/o/F' },
    runnerLogs: /403 Forbidden/,
    mustNot: ['dns-hosts-override-stale'],
  },
];
