/** Classifies the answer of a proxy that opened no tunnel: one reason for each thing that can be repaired. */
import type { Fact } from '../../core/finding.ts';
import type { ProxyDecision } from '../../core/target.ts';
import type { TlsJudgement } from '../tls/handshake-judgement.ts';
import type { Tunnel } from './tunnel.ts';

type Proxy = Extract<ProxyDecision, { kind: 'proxy' }>;

export interface ProxyJudgement {
  readonly status: 'fail' | 'unknown';
  readonly reason:
    | 'certificate-refused'
    | 'auth-required'
    | 'auth-rejected'
    | 'denied'
    | 'upstream-failed'
    | 'silent'
    | 'closed'
    | 'not-a-proxy'
    | 'proxy-error';
  readonly detail: string;
  readonly facts: Readonly<Record<string, Fact>>;
}

type Refusal = Exclude<Tunnel, { kind: 'open' }>;

export function judgeTunnel(tunnel: Refusal, decision: Proxy, destination: string): ProxyJudgement {
  const where = `${decision.host}:${decision.port}`;
  const facts = { proxy: where, variable: decision.variable, destination };
  switch (tunnel.kind) {
    case 'silent': {
      const detail = `proxy ${where} did not respond to CONNECT ${destination} before the timeout`;
      return { status: 'unknown', reason: 'silent', detail, facts };
    }
    case 'closed': {
      const detail = `proxy ${where} closed the connection after CONNECT ${destination}`;
      return { status: 'fail', reason: 'closed', detail, facts };
    }
    case 'not-a-proxy': {
      const detail = `proxy ${where} responded to CONNECT with "${tunnel.firstBytes}"`;
      return { status: 'fail', reason: 'not-a-proxy', detail, facts };
    }
    case 'refused': {
      const said = answerOf(tunnel, decision);
      const squid = tunnel.headers['x-squid-error'];
      const why = squid === undefined ? '' : ` (${squid})`;
      const detail = `proxy ${where} returned ${said} for CONNECT ${destination}${why}`;
      const reason = refusalReason(tunnel.status, decision);
      const status = isSocks(decision) ? tunnel.phrase : tunnel.status;
      return { status: 'fail', reason, detail, facts: { ...facts, status } };
    }
  }
}

/** SOCKS has no status of its own to show. */
function answerOf(
  { status, phrase }: Extract<Tunnel, { kind: 'refused' }>,
  decision: Proxy,
): string {
  return isSocks(decision) ? `"${phrase}"` : `${status} ${phrase}`.trim();
}

function isSocks({ scheme }: Proxy): boolean {
  return scheme === 'socks5';
}

function refusalReason(status: number, { credentials }: Proxy): ProxyJudgement['reason'] {
  if (status === 407) return credentials === undefined ? 'auth-required' : 'auth-rejected';
  return status >= 500 ? 'upstream-failed' : 'denied';
}

/** The handshake with the proxy itself failed. */
export function judgeProxyHandshake(
  { status, reason: problem, detail: said }: TlsJudgement,
  { host, port, variable }: Proxy,
): ProxyJudgement {
  const facts = { proxy: `${host}:${port}`, variable, problem };
  const detail = `proxy ${host}:${port} (https:// in ${variable}): ${said}`;
  if (status === 'unknown') return { status, reason: 'proxy-error', detail, facts };
  if (problem === 'plaintext-server') return { status, reason: 'not-a-proxy', detail, facts };
  if (problem === 'handshake-blocked') return { status, reason: 'closed', detail, facts };
  return { status, reason: 'certificate-refused', detail, facts };
}
