/** Causes at the proxy, judged with the runner's environment and Go's rules. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoted } from '../../core/shell.ts';
import { setVariable } from '../cause-spec.ts';

function correctVariable(c: CauseContext, text: string) {
  return setVariable(c, text, c.fact('variable'), 'http://...');
}

export const PROXY_CAUSES: readonly CauseSpec[] = [
  {
    id: 'proxy-name-not-found',
    severity: 'critical',
    scope: 'host',
    title: 'The name of the proxy does not resolve',
    meaning: 'The runner is told to use a proxy whose name nobody knows.',
    evidence: 'The lookup of the proxy’s name fails.',
    notConfusedWith: ['dns-name-not-found'],
    from: ['proxy/name-not-found'],
    says: (c) => `the proxy ${c.fact('proxy')} from ${c.fact('variable')} does not resolve`,
    fix: (c) => correctVariable(c, 'Correct the name in the runner’s environment.'),
    resolvedWhen: 'the proxy link passes',
  },
  {
    id: 'proxy-unreachable',
    severity: 'critical',
    scope: 'host',
    title: 'The proxy cannot be connected to',
    meaning: 'The runner is told to use a proxy, and its port does not answer.',
    evidence: 'Connection refused or timed out at the proxy’s address.',
    notConfusedWith: ['tcp-connection-refused', 'tcp-connect-timeout'],
    from: ['proxy/unreachable'],
    says: (c) => `the proxy ${c.fact('proxy')} from ${c.fact('variable')} cannot be connected to`,
    fix: (c) => [
      step(
        'Does it answer?',
        c.place.inNetwork(
          `curl -sv -o /dev/null --proxy ${quoted(`http://${c.fact('proxy')}`)} ${quoted(c.url)}`,
        ),
      ),
      step('Start the proxy, or open the way to it.'),
      ...correctVariable(c, 'If the variable is wrong, correct it in the runner’s environment.'),
    ],
    resolvedWhen: 'the proxy link passes',
  },
  {
    id: 'proxy-auth-required',
    severity: 'critical',
    scope: 'host',
    title: 'The proxy wants credentials, and the runner has none',
    meaning: 'The proxy answers 407, and the runner’s proxy variable holds no user.',
    evidence: '407 to CONNECT, no credentials in the variable.',
    notConfusedWith: ['proxy-auth-rejected', 'token-rejected'],
    from: ['proxy/auth-required', 'http/proxy-auth-required'],
    says: (c) =>
      `the proxy ${c.fact('proxy')} wants credentials, and ${c.fact('variable')} has none`,
    fix: (c) => [
      ...setVariable(
        c,
        'Put user and password into the variable; percent-encode what is not a letter or digit.',
        c.fact('variable'),
        `http://user:password@${c.fact('proxy')}`,
      ),
      step('The runner knows only Basic; before a proxy with NTLM or Kerberos put a local cntlm.'),
    ],
    resolvedWhen: 'the proxy link passes',
  },
  {
    id: 'proxy-auth-rejected',
    severity: 'critical',
    scope: 'host',
    title: 'The proxy refuses the runner’s credentials',
    meaning: 'The proxy answers 407 although the runner sends user and password.',
    evidence: '407 to CONNECT with credentials sent.',
    notConfusedWith: ['proxy-auth-required', 'token-rejected'],
    from: ['proxy/auth-rejected', 'http/proxy-auth-rejected'],
    says: (c) => `the proxy ${c.fact('proxy')} refuses the credentials in ${c.fact('variable')}`,
    fix: (c) =>
      correctVariable(
        c,
        'Renew the account and correct the variable; percent-encode the password.',
      ),
    resolvedWhen: 'the proxy link passes',
  },
  {
    id: 'proxy-connect-denied',
    severity: 'critical',
    scope: 'host',
    title: 'The proxy forbids the connection to GitLab',
    meaning:
      'The proxy answers CONNECT with a refusal of its own rules. The runner’s log shows only the word “Forbidden”, which is not about the token.',
    evidence: '403, 405 or another 4xx to CONNECT.',
    notConfusedWith: ['edge-waf-blocked', 'token-rejected'],
    from: ['proxy/denied', 'http/proxy-denied'],
    says: (c) =>
      `the proxy ${c.fact('proxy')} answers ${c.fact('status')} to CONNECT ${c.fact('destination')}`,
    fix: (c) => [
      step(
        `Allow ${c.fact('destination')} in the proxy’s rules (squid: SSL_ports and the access list).`,
      ),
      ...setVariable(
        c,
        'If GitLab should not go through the proxy, exempt it.',
        'NO_PROXY',
        c.host,
      ),
    ],
    resolvedWhen: 'the proxy link passes',
  },
  {
    id: 'proxy-upstream-failed',
    severity: 'critical',
    scope: 'host',
    title: 'The proxy itself cannot reach GitLab',
    meaning:
      'The proxy answers CONNECT with a gateway error: its own name lookup or way out fails.',
    evidence: '500, 502, 503 or 504 to CONNECT.',
    notConfusedWith: ['gitlab-bad-gateway', 'gitlab-unavailable'],
    from: ['proxy/upstream-failed', 'http/proxy-upstream-failed'],
    says: (c) =>
      `the proxy ${c.fact('proxy')} cannot reach ${c.fact('destination')} (it answers ${c.fact('status')})`,
    fix: (c) => [
      step(
        `On the proxy: does ${c.host} resolve, and does its port answer?`,
        `curl -sv -o /dev/null ${quoted(c.url)}`,
      ),
    ],
    resolvedWhen: 'the proxy link passes',
  },
  {
    id: 'proxy-not-responding',
    severity: 'critical',
    scope: 'host',
    title: 'The proxy accepts the connection and says nothing',
    meaning: 'The proxy’s port is open, and CONNECT stays without an answer or is cut.',
    evidence: 'No answer to CONNECT within the deadline, or an end without a word.',
    notConfusedWith: ['gitlab-not-responding'],
    from: ['proxy/silent', 'proxy/closed'],
    says: (c) => `the proxy ${c.fact('proxy')} gives no answer to CONNECT ${c.fact('destination')}`,
    fix: () => [step('Look at the proxy’s log and load, then restart it.')],
    resolvedWhen: 'the proxy link passes',
  },
  {
    id: 'proxy-url-invalid',
    severity: 'critical',
    scope: 'host',
    title: 'What the proxy variable names is no proxy',
    meaning:
      'The address answers in another protocol (a wrong port, or https:// where the proxy speaks http), or the value is no URL for Go, which then makes another proxy of it, or none.',
    evidence: 'Bytes that are no answer of a proxy, or a value that Go cannot read as a URL.',
    notConfusedWith: ['proxy-name-not-found', 'proxy-not-responding'],
    from: ['proxy/not-a-proxy', 'connect/invalid-port'],
    says: (c) =>
      c.optional('is_misread') === 'true'
        ? `Go cannot read the value of ${c.fact('variable')} as it was meant, and takes ${c.fact('proxy')} for the proxy`
        : `${c.fact('proxy')} from ${c.fact('variable')} does not speak the protocol of a proxy`,
    fix: (c) =>
      correctVariable(
        c,
        'Correct scheme and port of the variable; in user and password write # as %23, @ as %40 and % as %25.',
      ),
    resolvedWhen: 'the proxy link passes',
  },
];
