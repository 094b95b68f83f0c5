/** Causes at the proxy, judged with the runner's environment and Go's rules. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import { enterVariable, setVariable } from '../cause-spec.ts';

function correctVariable(c: CauseContext, text: string) {
  return enterVariable(c, text, c.fact('variable'));
}

export const PROXY_CAUSES: readonly CauseSpec[] = [
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
      step(
        'Check that the proxy responds.',
        c.place.inNetwork(
          `curl -sv -o /dev/null --proxy ${quoteArgument(`http://${c.fact('proxy')}`)} ${quoteArgument(c.url)}`,
        ),
      ),
      step('Start the proxy, or open the firewall to it.'),
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
        `Put user name and password into the variable, as in http://user:password@${c.fact('proxy')}; percent-encode every character that is not a letter or digit.`,
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
      ...setVariable(c, 'If GitLab should not use the proxy, exempt it.', 'NO_PROXY', c.host),
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
        `curl -sv -o /dev/null ${quoteArgument(c.url)}`,
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
    evidence: 'No response to CONNECT before the timeout, or a close without a response.',
    notConfusedWith: ['gitlab-not-responding'],
    from: ['proxy/silent', 'proxy/closed'],
    says: (c) =>
      `the proxy ${c.fact('proxy')} does not respond to CONNECT ${c.fact('destination')}`,
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
    from: ['proxy/not-a-proxy', 'proxy/certificate-refused', 'connect/invalid-port'],
    says: (c) =>
      c.optional('is_misread') === 'true'
        ? `Go misreads the value of ${c.fact('variable')} and uses ${c.fact('proxy')} as the proxy`
        : `${c.fact('proxy')} from ${c.fact('variable')} is not an HTTP proxy`,
    fix: (c) =>
      correctVariable(
        c,
        'Correct scheme (http:// for a proxy without TLS) and port in the variable; in user name and password write # as %23, @ as %40 and % as %25.',
      ),
    resolvedWhen: 'the proxy check passes again',
  },
];
