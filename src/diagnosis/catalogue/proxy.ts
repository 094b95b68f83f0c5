/** Causes at the proxy: which one the runner uses, and whether it connects to GitLab. */
import { isOddAddress } from '../../core/address.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { enterVariable, family, isStillWaiting, setVariable } from '../cause-spec.ts';
import { curl, exemptFromProxy, trustCertificate } from './commands.ts';

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

/** On this host by the unit that is there. */
function startProxy(c: CauseContext) {
  const isHere = /^(?:localhost|127\.|\[::1\])/.test(c.fact('proxy'));
  return [
    isHere
      ? step(
          'Start the proxy on this host; this shows what listens.',
          c.place.inNetwork(`sudo ss -ltnp ${quoteArgument(`sport = :${c.firstHop.port}`)}`),
        )
      : step('Start the proxy, or open the firewall to it.'),
  ];
}

/** The process has a proxy that was taken out of the settings since. */
function isOld(c: CauseContext): boolean {
  return c.optional('is_old') === 'true';
}

function oldProxy(c: CauseContext): string {
  const proxy = c.optional('proxy');
  return proxy === undefined ? 'a proxy' : `the proxy ${proxy}`;
}

function restartWithSettings({ place }: CauseContext) {
  return step('Restart the runner, so that it uses the current settings.', place.commands.restart);
}

function giveSettings(c: CauseContext) {
  return [
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
  ];
}

function isExempt(c: CauseContext): boolean {
  return c.optional('is_exempt') === 'true';
}

function narrowExemption(c: CauseContext) {
  const list = c.place.variable?.('NO_PROXY') ?? c.place.variable?.('no_proxy');
  const now = list === undefined ? '' : `, which is ${list}`;
  const text = `Remove the entry that covers ${c.host} from the runner's NO_PROXY${now}.`;
  return enterVariable(c, text, 'NO_PROXY');
}

function correctVariable(c: CauseContext, text: string) {
  return enterVariable(c, text, c.fact('variable'));
}

function describeMisreading(c: CauseContext): string {
  const proxy = c.fact('proxy');
  const variable = c.fact('variable');
  if (c.optional('is_misread') === 'true') {
    return `Go misreads the value of ${variable} and uses ${proxy} as the proxy`;
  }
  if (c.optional('needs_plain') === 'true') {
    return `the proxy ${proxy} speaks no TLS, and ${variable} asks it for TLS (https://)`;
  }
  return isOddAddress(proxy.replace(/:\d+$/, ''))
    ? `the proxy ${proxy} from ${variable} is not an IP address: Go reads only four decimal numbers without leading zeros`
    : `${proxy} from ${variable} is not an HTTP proxy`;
}

export const PROXY_CAUSES: readonly CauseSpec[] = [
  choice({
    id: 'proxy-required-not-set',
    title: 'GitLab is reachable only through a proxy that the runner does not use',
    meaning:
      "Direct connections are blocked. Another program on this host has a proxy configured, or the runner's own NO_PROXY exempts GitLab from its proxy, and GitLab is reachable through that proxy.",
    evidence:
      'The direct connection fails, and the proxy configured for apt or Docker, or the proxy from which NO_PROXY exempts GitLab, reaches it.',
    notConfusedWith: ['tcp-connect-timeout', 'proxy-setting-not-applied'],
    changedBy: ['proxy-environment', 'routes'],
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
      'The environment of the process does not have the setting, a file has it, and with it GitLab is reachable; or the process connects to a proxy that the settings no longer name, and with them GitLab is reachable.',
    notConfusedWith: ['proxy-unreachable', 'proxy-required-not-set'],
    changedBy: ['proxy-environment'],
    from: [],
    says: (c) =>
      isOld(c)
        ? `the running process still uses ${oldProxy(c)}, which the current settings do not name; with them ${c.host} is reachable`
        : `with the proxy setting in ${c.fact('source')} the runner would reach ${c.host}, but the running process does not have it`,
    fix: (c) => (isOld(c) ? [restartWithSettings(c)] : giveSettings(c)),
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
    changedBy: ['proxy-environment'],
    from: [],
    says: (c) => {
      const entry = c.optional('no_proxy_entry');
      const why =
        entry === undefined
          ? 'NO_PROXY does not contain it'
          : `the entry "${entry}" of NO_PROXY does not match (${c.fact('no_proxy_because')})`;
      return `${c.host} is reachable directly but not through the proxy ${c.fact('proxy')}: ${why}`;
    },
    fix: (c) => exemptFromProxy(c, "Add the host to the runner's NO_PROXY."),
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
    changedBy: ['proxy-environment', 'ca-file', 'system-certificates'],
    from: [],
    says: (c) =>
      `the proxy ${c.fact('proxy')} replaces the certificate of ${c.host} with one signed by ${c.fact('root')}`,
    fix: (c) => [
      ...exemptFromProxy(
        c,
        'Preferred, if direct connections are allowed: exempt GitLab from the proxy.',
      ),
      step(
        `Otherwise get the root certificate of the proxy (${c.fact('root')}) in PEM format from its administrator, as proxy-root.pem.`,
      ),
      ...trustCertificate(c, 'proxy-root.pem'),
    ],
    resolvedWhen: 'the TLS check passes again',
    suppresses: ['tls-unknown-authority', 'tls-self-signed'],
  }),
  {
    id: 'proxy-refused-by-go',
    severity: 'critical',
    scope: 'host',
    title: 'The runner sends no request, because it takes itself for a CGI program',
    meaning:
      'REQUEST_METHOD is set in the environment of the runner process. A web server sets it for CGI programs, for which HTTP_PROXY is not safe: Go then refuses HTTP_PROXY, and every request over http:// fails.',
    evidence: 'Both variables in the environment of the process, and http:// in `url`.',
    notConfusedWith: ['proxy-unreachable', 'proxy-url-invalid'],
    from: ['proxy/refused-by-go'],
    says: (c) =>
      `Go refuses ${c.fact('variable')} while REQUEST_METHOD is set, and sends no request to ${c.host}`,
    fix: (c) => [
      step(
        'Show the variable of the process.',
        `sudo grep -z ^REQUEST_METHOD= /proc/${c.place.commands.processId}/environ`,
      ),
      ...setVariable(c, 'Empty the variable for the runner.', 'REQUEST_METHOD', ''),
    ],
    resolvedWhen: 'the proxy check passes again',
    suppresses: ['tcp-connect-timeout', 'tcp-connection-refused', 'dns-name-not-found'],
  },
  {
    id: 'proxy-name-not-found',
    severity: 'critical',
    scope: 'host',
    title: 'The host name of the proxy does not resolve',
    meaning: 'The runner is configured to use a proxy whose name does not exist.',
    evidence: 'The DNS lookup of the name of the proxy fails.',
    notConfusedWith: ['dns-name-not-found'],
    from: ['proxy/name-not-found'],
    says: (c) => `the proxy ${c.fact('proxy')} from ${c.fact('variable')} does not resolve`,
    fix: (c) => correctVariable(c, "Correct the name in the runner's environment."),
    resolvedWhen: 'the proxy check passes again',
  },
  {
    id: 'proxy-unreachable',
    severity: 'critical',
    scope: 'host',
    title: 'The proxy does not accept connections',
    meaning:
      'The runner is configured to use a proxy whose port refuses or does not answer connections.',
    evidence: 'Connection refused or timed out at the address of the proxy.',
    notConfusedWith: ['tcp-connection-refused', 'tcp-connect-timeout'],
    from: ['proxy/unreachable'],
    says: (c) =>
      `the proxy ${c.fact('proxy')} from ${c.fact('variable')} does not accept connections`,
    fix: (c) => [
      step('Check that the proxy responds.', curl(c, '-sv -o /dev/null')),
      ...startProxy(c),
      ...correctVariable(c, "If the variable is wrong, correct it in the runner's environment."),
    ],
    resolvedWhen: 'the proxy check passes again',
  },
  {
    id: 'proxy-auth-required',
    severity: 'critical',
    scope: 'host',
    title: 'The proxy requires a login, and the runner has none',
    meaning: "The proxy returns 407, and the runner's proxy variable has no user name.",
    evidence: '407 for CONNECT, and no user name in the variable.',
    notConfusedWith: ['proxy-auth-rejected', 'token-rejected'],
    from: ['proxy/auth-required', 'http/proxy-auth-required'],
    says: (c) =>
      `the proxy ${c.fact('proxy')} requires a login, but ${c.fact('variable')} has no user name`,
    fix: (c) => [
      ...correctVariable(
        c,
        `Put user name and password before the host in the variable, separated by ":" and ended by "@"; percent-encode every character of them that is not a letter or digit.`,
      ),
      step(
        'The runner supports only Basic authentication. For a proxy with NTLM or Kerberos use a local cntlm.',
      ),
    ],
    resolvedWhen: 'the proxy check passes again',
  },
  {
    id: 'proxy-auth-rejected',
    severity: 'critical',
    scope: 'host',
    title: "The proxy rejects the runner's login",
    meaning: 'The proxy returns 407 although the runner sends user name and password.',
    evidence: '407 for CONNECT with a login sent.',
    notConfusedWith: ['proxy-auth-required', 'token-rejected'],
    from: ['proxy/auth-rejected', 'http/proxy-auth-rejected'],
    says: (c) => `the proxy ${c.fact('proxy')} rejects the login in ${c.fact('variable')}`,
    fix: (c) =>
      correctVariable(
        c,
        'Renew the account and correct the variable; percent-encode the password.',
      ),
    resolvedWhen: 'the proxy check passes again',
  },
  {
    id: 'proxy-connect-denied',
    severity: 'critical',
    scope: 'host',
    title: 'The proxy rejects the connection to GitLab',
    meaning:
      "The access rules of the proxy reject CONNECT. The runner's log only says 'Forbidden', which is not about the token.",
    evidence: '403, 405 or another 4xx for CONNECT.',
    notConfusedWith: ['edge-waf-blocked', 'token-rejected'],
    from: ['proxy/denied', 'http/proxy-denied'],
    says: (c) =>
      `the proxy ${c.fact('proxy')} returns ${c.fact('status')} for CONNECT ${c.fact('destination')}`,
    fix: (c) => [
      step(
        `Allow ${c.fact('destination')} in the rules of the proxy (squid: SSL_ports and the access list).`,
      ),
      ...exemptFromProxy(c, 'If GitLab should not use the proxy, exempt it.'),
    ],
    resolvedWhen: 'the proxy check passes again',
  },
  {
    id: 'proxy-upstream-failed',
    severity: 'critical',
    scope: 'host',
    title: 'The proxy itself cannot reach GitLab',
    meaning:
      'The proxy returns a gateway error for CONNECT: its own DNS lookup or connection fails.',
    evidence: '500, 502, 503 or 504 for CONNECT.',
    notConfusedWith: ['gitlab-bad-gateway', 'gitlab-unavailable'],
    from: ['proxy/upstream-failed', 'http/proxy-upstream-failed'],
    says: (c) =>
      `the proxy ${c.fact('proxy')} cannot reach ${c.fact('destination')} (it returns ${c.fact('status')})`,
    fix: (c) => [
      step(
        `On the proxy: check that ${c.host} resolves and its port responds.`,
        `curl -sv -o /dev/null --noproxy '*' ${quoteArgument(c.url)}`,
      ),
    ],
    resolvedWhen: 'the proxy check passes again',
  },
  {
    id: 'proxy-not-responding',
    severity: 'critical',
    scope: 'host',
    title: 'The proxy accepts the connection but does not respond',
    meaning:
      'The port of the proxy is open, but CONNECT gets no response or the connection is closed.',
    evidence:
      "A close without a response to CONNECT; or no response, which is a warning until the runner's own time of 60 s has passed.",
    notConfusedWith: ['gitlab-not-responding'],
    from: ['proxy/silent', 'proxy/closed'],
    says: (c) =>
      isStillWaiting(c)
        ? `the proxy ${c.fact('proxy')} has not responded to CONNECT ${c.fact('destination')} so far; the runner waits for it for ${c.fact('runner_waits')}`
        : `the proxy ${c.fact('proxy')} does not respond to CONNECT ${c.fact('destination')}`,
    fix: () => [step('Check the log and load of the proxy, then restart it.')],
    resolvedWhen: 'the proxy check passes again',
  },
  {
    id: 'proxy-url-invalid',
    severity: 'critical',
    scope: 'host',
    title: 'The server in the proxy variable is not an HTTP proxy',
    meaning:
      'The server uses another protocol (a wrong port, or https:// for an http proxy), or Go cannot parse the value as a URL and uses another proxy or none.',
    evidence: 'A response that is not from a proxy, or a value that Go cannot parse as a URL.',
    notConfusedWith: ['proxy-name-not-found', 'proxy-not-responding'],
    from: [
      'proxy/not-a-proxy',
      'proxy/bad-address',
      'proxy/certificate-refused',
      'connect/invalid-port',
    ],
    says: describeMisreading,
    fix: (c) =>
      c.optional('needs_plain') === 'true'
        ? correctVariable(
            c,
            `Write http://${c.fact('proxy')} with http:// in place of https:// into the variable.`,
          )
        : correctVariable(
            c,
            'Correct scheme (http:// for a proxy without TLS) and port in the variable; in user name and password write # as %23, @ as %40 and % as %25.',
          ),
    resolvedWhen: 'the proxy check passes again',
  },
];
