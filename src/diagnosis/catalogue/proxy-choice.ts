/** Causes in the choice of the way: which proxy, or none, is in force for GitLab. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { family, onHost, restart, setVariable } from '../cause-spec.ts';

const choice = family({
  severity: 'critical',
  scope: 'host',
  resolvedWhen: 'the links up to tls pass',
});

function setProxy(c: CauseContext) {
  return setVariable(
    c,
    'Give it to the runner; put user and password in where they are needed.',
    c.fact('variable'),
    c.fact('proxy_url'),
  );
}

function isExempt(c: CauseContext): boolean {
  return c.optional('is_exempt') === 'true';
}

function narrowExemption(c: CauseContext) {
  const text = `Take the entry that covers ${c.host} off the runner’s NO_PROXY.`;
  return setVariable(c, text, 'NO_PROXY', '...');
}

export const PROXY_CHOICE_CAUSES: readonly CauseSpec[] = [
  choice({
    id: 'proxy-required-not-set',
    title: 'GitLab is reached only through a proxy, and the runner has none',
    meaning:
      'The direct way is blocked. Another program of this host is told of a proxy, or the runner’s own NO_PROXY keeps GitLab from its proxy, and through that one the way to GitLab is open.',
    evidence:
      'The direct way fails, and a proxy that is written down for apt or Docker, or the one from which NO_PROXY exempts GitLab, opens it.',
    notConfusedWith: ['tcp-connect-timeout', 'proxy-setting-not-applied'],
    from: [],
    says: (c) =>
      `the direct way to ${c.host} is blocked, and through the proxy ${c.fact('proxy')} (from ${c.fact('source')}) it is open; ${isExempt(c) ? 'NO_PROXY keeps the runner from it' : 'the runner has no proxy'}`,
    fix: (c) => (isExempt(c) ? narrowExemption(c) : setProxy(c)),
    suppresses: ['tcp-connect-timeout', 'tcp-connection-refused', 'dns-name-not-found'],
  }),
  choice({
    id: 'proxy-setting-not-applied',
    title: 'A proxy setting is written down where the running runner does not read it',
    meaning:
      'The runner’s process has only the environment that it was started with: not /etc/environment, not a profile, not `environment` in config.toml, not ALL_PROXY, and not a unit that was changed since.',
    evidence:
      'The environment of the process lacks the setting, a file has it, and with it the way to GitLab is open.',
    notConfusedWith: ['proxy-unreachable', 'proxy-required-not-set'],
    from: [],
    says: (c) =>
      `the proxy setting in ${c.fact('source')} would open the way to ${c.host}, and the running process does not have it`,
    fix: (c) => [
      step(
        'See what the process has.',
        `sudo grep -zi _proxy= /proc/${c.place.commands.processId}/environ`,
      ),
      ...c.place.commands.setEnvironment(
        'Give the setting to the runner, unless its service has it already.',
        { HTTPS_PROXY: '...', NO_PROXY: '...' },
      ),
    ],
    suppresses: ['tcp-connect-timeout', 'tcp-connection-refused', 'proxy-unreachable'],
  }),
  choice({
    id: 'no-proxy-mismatch',
    title: 'GitLab should bypass the proxy, and NO_PROXY does not cover it',
    meaning:
      'The proxy is used for GitLab and does not lead there, while the direct way is open. By Go’s rules the list does not match, although curl may think so.',
    evidence:
      'The direct way works, the proxy’s does not, and an entry was meant for this host or the host is inside.',
    notConfusedWith: ['proxy-connect-denied', 'proxy-upstream-failed'],
    from: [],
    says: (c) => {
      const entry = c.optional('no_proxy_entry');
      const why =
        entry === undefined
          ? 'NO_PROXY does not name it'
          : `the entry "${entry}" of NO_PROXY does not match (${c.fact('no_proxy_because')})`;
      return `${c.host} is reached directly and not through the proxy ${c.fact('proxy')}: ${why}`;
    },
    fix: (c) => [...setVariable(c, 'Name the host in the runner’s NO_PROXY.', 'NO_PROXY', c.host)],
    suppresses: ['proxy-connect-denied', 'proxy-upstream-failed'],
  }),
  choice({
    id: 'proxy-tls-interception',
    title: 'The proxy replaces GitLab’s certificate with one that the runner does not trust',
    meaning:
      'The proxy opens the encrypted connection and signs it anew with its own authority. GitLab’s own certificate never arrives.',
    evidence:
      'Through the proxy another certificate is shown than on the direct way, or one for any name that is asked for.',
    notConfusedWith: ['tls-unknown-authority', 'tls-self-signed'],
    from: [],
    says: (c) =>
      `the proxy ${c.fact('proxy')} shows a certificate for ${c.host} that ${c.fact('root')} has signed, not GitLab’s own`,
    fix: (c) => [
      ...setVariable(c, 'Best: exempt GitLab from the proxy.', 'NO_PROXY', c.host),
      step(
        'Or: get the proxy’s root certificate from whoever runs it, and put it into the runner’s certs folder.',
        `sudo install -D -m 0644 proxy-root.pem ${onHost(c, c.fact('certs_file'))}`,
      ),
      restart(c),
    ],
    resolvedWhen: 'the tls link passes',
    suppresses: ['tls-unknown-authority', 'tls-self-signed'],
  }),
];
