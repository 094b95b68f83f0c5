/** Causes in the choice of the path: which proxy, or none, the runner uses for GitLab. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { enterVariable, family, onHost, restart, setVariable } from '../cause-spec.ts';

const choice = family({
  severity: 'critical',
  scope: 'host',
  resolvedWhen: 'the checks up to TLS pass again',
});

/** The fact never contains a password, so a proxy with a login is not a value to set. */
function setProxy(c: CauseContext) {
  const url = c.fact('proxy_url');
  return url.includes('@')
    ? enterVariable(
        c,
        `Set the proxy ${url.replace(/[^/]*@/, '')} for the runner, with its user name and password in the URL.`,
        c.fact('variable'),
      )
    : setVariable(
        c,
        'Set the proxy for the runner. Add user name and password if the proxy requires them.',
        c.fact('variable'),
        url,
      );
}

function isExempt(c: CauseContext): boolean {
  return c.optional('is_exempt') === 'true';
}

function narrowExemption(c: CauseContext) {
  const text = `Remove the entry that covers ${c.host} from the runner's NO_PROXY.`;
  return enterVariable(c, text, 'NO_PROXY');
}

export const PROXY_CHOICE_CAUSES: readonly CauseSpec[] = [
  choice({
    id: 'proxy-required-not-set',
    title: 'GitLab is reachable only through a proxy that the runner does not use',
    meaning:
      "Direct connections are blocked. Another program on this host has a proxy configured, or the runner's own NO_PROXY exempts GitLab from its proxy, and GitLab is reachable through that proxy.",
    evidence:
      'The direct connection fails, and the proxy configured for apt or Docker, or the proxy from which NO_PROXY exempts GitLab, reaches it.',
    notConfusedWith: ['tcp-connect-timeout', 'proxy-setting-not-applied'],
    from: [],
    says: (c) =>
      `direct connections to ${c.host} are blocked, but the proxy ${c.fact('proxy')} (from ${c.fact('source')}) reaches it; ${isExempt(c) ? 'NO_PROXY exempts GitLab from the proxy' : 'the runner has no proxy configured'}`,
    fix: (c) => (isExempt(c) ? narrowExemption(c) : setProxy(c)),
    suppresses: ['tcp-connect-timeout', 'tcp-connection-refused', 'dns-name-not-found'],
  }),
  choice({
    id: 'proxy-setting-not-applied',
    title: 'The proxy is configured where the running runner does not read it',
    meaning:
      'The runner process only has the environment that it was started with: not /etc/environment, not a shell profile, not `environment` in config.toml, not ALL_PROXY, and no later change of its unit.',
    evidence:
      'The environment of the process does not have the setting, a file has it, and with it GitLab is reachable.',
    notConfusedWith: ['proxy-unreachable', 'proxy-required-not-set'],
    from: [],
    says: (c) =>
      `with the proxy setting in ${c.fact('source')} the runner would reach ${c.host}, but the running process does not have it`,
    fix: (c) => [
      step(
        'Show the proxy settings of the process.',
        `sudo grep -zi _proxy= /proc/${c.place.commands.processId}/environ`,
      ),
      ...enterVariable(
        c,
        'Set the proxy for the runner, unless its service has it already.',
        'HTTPS_PROXY',
        'NO_PROXY',
      ),
    ],
    suppresses: ['tcp-connect-timeout', 'tcp-connection-refused', 'proxy-unreachable'],
  }),
  choice({
    id: 'no-proxy-mismatch',
    title: 'The runner uses a proxy for GitLab that NO_PROXY should exempt',
    meaning:
      'The proxy cannot reach GitLab, but a direct connection can. By the rules of Go, NO_PROXY does not match the host, although curl may match it.',
    evidence:
      'The direct connection works, the proxy fails, and an entry of NO_PROXY was meant for this host or the host is internal.',
    notConfusedWith: ['proxy-connect-denied', 'proxy-upstream-failed'],
    from: [],
    says: (c) => {
      const entry = c.optional('no_proxy_entry');
      const why =
        entry === undefined
          ? 'NO_PROXY does not contain it'
          : `the entry "${entry}" of NO_PROXY does not match (${c.fact('no_proxy_because')})`;
      return `${c.host} is reachable directly but not through the proxy ${c.fact('proxy')}: ${why}`;
    },
    fix: (c) => [...setVariable(c, "Add the host to the runner's NO_PROXY.", 'NO_PROXY', c.host)],
    suppresses: ['proxy-connect-denied', 'proxy-upstream-failed'],
  }),
  choice({
    id: 'proxy-tls-interception',
    title: "The proxy replaces GitLab's certificate with one that the runner does not trust",
    meaning:
      "The proxy decrypts the connection and signs it with its own certificate authority. GitLab's certificate never arrives.",
    evidence:
      'The certificate through the proxy differs from the one on a direct connection, or the proxy creates one for any name.',
    notConfusedWith: ['tls-unknown-authority', 'tls-self-signed'],
    from: [],
    says: (c) =>
      `the proxy ${c.fact('proxy')} replaces the certificate of ${c.host} with one signed by ${c.fact('root')}`,
    fix: (c) => [
      ...setVariable(c, 'Preferred: exempt GitLab from the proxy.', 'NO_PROXY', c.host),
      step(
        "Or get the root certificate of the proxy from its administrator, and put it into the runner's certs directory.",
        `sudo install -D -m 0644 proxy-root.pem ${onHost(c, c.fact('certs_file'))}`,
      ),
      restart(c),
    ],
    resolvedWhen: 'the TLS check passes again',
    suppresses: ['tls-unknown-authority', 'tls-self-signed'],
  }),
];
