/** What changed just before a fault is told with it, and taken back first where it explains the fault. */
import { tellsChange } from '../prior-changes.ts';
import { runPrinted } from '../printed-fix.ts';
import { GITLAB_ADDRESS, SECOND_RESOLVER } from '../network.ts';
import { usualScript } from '../peers/names.ts';
import { FROM_PRIVATE_ROOT, PRIVATE_ROOT, PUBLIC_ROOT } from '../peers/pki.ts';
import { CANARY, usualEntry } from '../runner-config.ts';
import type { FaultRow, Row } from '../scenario.ts';

const NO_NAME = 'F/s/n/s/s/s/s';
const CONFIG = '/etc/gitlab-runner/config.toml';
const RESOLV_CONF = '/etc/resolv.conf';
const HOSTS = '/etc/hosts';
const CERTS_FILE = '/etc/gitlab-runner/certs/gitlab.test.crt';
const LOCALHOST = '127.0.0.1 localhost\n';

/** No name server has the name. */
const ONLY_HOSTS: FaultRow['world'] = {
  files: () => ({ [HOSTS]: `${LOCALHOST}${GITLAB_ADDRESS} gitlab.test # the office\n` }),
  before: async ({ names }) =>
    names.answer((name, ...rest) =>
      name === 'gitlab.test' ? 'nxdomain' : usualScript(name, ...rest),
    ),
};

export const changeRows: readonly Row[] = [
  {
    id: 'CH-01',
    title: 'the line of the hosts file that only had the name is removed',
    world: ONLY_HOSTS,
    inject: ({ files }) => files.write(HOSTS, LOCALHOST),
    expect: { cause: 'dns-name-not-found', severity: 'critical', chain: NO_NAME },
    runnerLogs: /no such host/,
    mustNot: [],
    holds: tellsChange('dns-name-not-found', {
      told: /\/etc\/hosts: removed "10\.200\.0\.2 gitlab\.test # the office"/,
      first: /restore "10\.200\.0\.2 gitlab\.test # the office".*tee -a \/etc\/hosts/,
    }),
    fix: { reported: /tee -a \/etc\/hosts/, apply: runPrinted(/\/etc\/hosts/) },
  },
  {
    id: 'CH-02',
    title: 'resolv.conf loses its search line, and the name is short',
    world: {
      entries: [usualEntry({ url: 'https://gitlab/' })],
      files: () => ({
        [RESOLV_CONF]: `search test\nnameserver ${GITLAB_ADDRESS}\noptions timeout:1\n`,
      }),
    },
    inject: ({ files }) => files.edit(RESOLV_CONF, 'search test\n', ''),
    expect: { cause: 'dns-name-not-found', severity: 'critical', chain: NO_NAME },
    runnerLogs: /no such host/,
    mustNot: [],
    holds: tellsChange('dns-name-not-found', {
      told: /\/etc\/resolv\.conf: removed "search test"/,
      first: /printf .*search test.* \| sudo tee \/etc\/resolv\.conf/,
    }),
    fix: { reported: /tee \/etc\/resolv\.conf/, apply: runPrinted(/tee \/etc\/resolv/) },
  },
  {
    id: 'CH-03',
    title: 'url in config.toml is misspelled',
    inject: ({ files }) => files.edit(CONFIG, 'https://gitlab.test/', 'https://gitlba.test/'),
    expect: { cause: 'dns-name-not-found', severity: 'critical', chain: NO_NAME },
    runnerLogs: /no such host/,
    mustNot: [],
    holds: tellsChange('dns-name-not-found', {
      told: /config\.toml: changed "url = "https:\/\/gitlab\.test\/"" to "url = "https:\/\/gitlba\.test\/""/,
      first: /sed -e .*config\.toml/,
    }),
    fix: { reported: /sed -e/, apply: runPrinted(/sed -e .*config\.toml/) },
  },
  {
    id: 'CH-04',
    title: 'another authority replaces that of GitLab in the runner’s certs folder',
    world: { certificate: FROM_PRIVATE_ROOT, files: () => ({ [CERTS_FILE]: PRIVATE_ROOT.pem }) },
    inject: async ({ files, runner }) => {
      await files.write(CERTS_FILE, PUBLIC_ROOT.pem);
      await runner.restart();
    },
    expect: { cause: 'tls-unknown-authority', severity: 'critical', chain: 'o/o/n/F/s/s/s' },
    runnerLogs: /unknown authority/,
    mustNot: [],
    holds: tellsChange('tls-unknown-authority', {
      told: /certs\/gitlab\.test\.crt: changed "[^"]+" to "[^"]+"/,
      first: /Put the earlier content of .*gitlab\.test\.crt back.*It had /,
    }),
    recover: ({ runner }) => runner.restart(),
  },
  {
    id: 'CH-05',
    title: 'the token in config.toml is changed',
    inject: ({ files }) => files.edit(CONFIG, /token = ".*"/, `token = "glrt-shell1xxx${CANARY}2"`),
    expect: { cause: 'token-rejected', severity: 'critical' },
    mustNot: [],
    holds: tellsChange('token-rejected', {
      told: /config\.toml: token of shell-1 changed/,
      first: /token changed .*sudoedit \/etc\/gitlab-runner\/config\.toml/,
    }),
  },
  {
    id: 'CH-06',
    title: 'a route to GitLab’s address that leads nowhere is added',
    world: { files: () => ({ [RESOLV_CONF]: `nameserver ${SECOND_RESOLVER}\n` }) },
    inject: ({ network }) => network.run('rn', `ip route add unreachable ${GITLAB_ADDRESS}/32`),
    expect: { cause: 'network-no-route', severity: 'critical' },
    mustNot: [],
    holds: tellsChange('network-no-route', {
      told: /routes: added "unreachable 10\.200\.0\.2\/32"/,
      first: /ip route del unreachable 10\.200\.0\.2\/32/,
    }),
    fix: { reported: /ip route del/, apply: runPrinted(/ip route del/) },
  },
  {
    id: 'CH-07',
    title: 'a line of the hosts file for another host is removed, and GitLab goes down',
    world: { files: () => ({ [HOSTS]: `${LOCALHOST}10.9.9.9 elsewhere.test\n` }) },
    inject: async ({ files, gitlab }) => {
      await files.write(HOSTS, LOCALHOST);
      await gitlab.stop();
    },
    expect: { cause: 'tcp-connection-refused', severity: 'critical', chain: 'o/F/n/s/s/s/s' },
    mustNot: [],
    holds: tellsChange('tcp-connection-refused', { told: /\/etc\/hosts was changed/ }),
  },
  {
    id: 'CH-08',
    title: 'a line of the hosts file says what DNS says, and GitLab goes down',
    inject: async ({ files, gitlab }) => {
      await files.write(HOSTS, `${LOCALHOST}${GITLAB_ADDRESS} gitlab.test\n`);
      await gitlab.stop();
    },
    expect: { cause: 'tcp-connection-refused', severity: 'critical', chain: 'o/F/n/s/s/s/s' },
    mustNot: [],
    holds: tellsChange('tcp-connection-refused', {
      told: /\/etc\/hosts: added "10\.200\.0\.2 gitlab\.test"/,
    }),
  },
];
