/**
 * Paths that differ from the one in use in one factor, and what it means if one of them is open. Each returns a
 * sentence with its values, or only how many were tried.
 */
import type { Clock } from '../core/clock.ts';
import { MAX_HARMLESS_SKEW_SECONDS } from '../core/clock.ts';
import type { Fact } from '../core/finding.ts';
import type { HttpUrl } from '../core/http-url.ts';
import type { EndpointTarget, ProxyAlternative, ProxyDecision } from '../core/target.ts';
import type { Attempt, Change } from './path-attempt.ts';
import { isPrivateHost } from './dial/private-address.ts';

const MAX_ALTERNATIVES = 3;
/** A name that does not exist: a certificate for it was made by the proxy. */
const UNUSED_NAME = 'sni-test.runnerwatch.invalid';

export const ALTERNATE_PATH_REASONS = {
  'known-proxy-works': {
    kind: 'context',
    meaning: 'A proxy that is configured on this host, but not used by the runner, reaches GitLab.',
    action: "Set the proxy in the environment of the runner's unit, and restart the runner.",
  },
  'direct-works': {
    kind: 'context',
    meaning: 'A direct connection reaches GitLab, the proxy in use does not.',
    action: 'Exempt GitLab from the proxy with NO_PROXY, or repair the proxy.',
  },
  'plain-proxy-works': {
    kind: 'context',
    meaning: 'The proxy answers without TLS, and the runner asks it for TLS.',
    action: 'Write http:// in the proxy variable, and restart the runner.',
  },
  'small-segments-work': {
    kind: 'context',
    meaning: 'The TLS handshake succeeds if the server sends only small packets.',
    action: "Lower the MTU of the interface or tunnel, and allow ICMP 'fragmentation needed'.",
  },
  'small-hello-works': {
    kind: 'context',
    meaning: 'The TLS handshake succeeds if the first message fits into one packet.',
    action: 'Repair the filter that drops a TLS hello of two packets, or set GODEBUG=tlsmlkem=0.',
  },
  'clock-differs': {
    kind: 'context',
    meaning:
      "A certificate is rejected because of its dates, and the server's clock differs from this host's.",
    action: "Correct the clock that is wrong, most likely this host's.",
  },
  intercepted: {
    kind: 'context',
    meaning: "The certificate through the proxy is not GitLab's own.",
    action:
      'Make the runner trust the certificate authority of the proxy, or exempt GitLab from the proxy.',
  },
} as const;

export type AlternatePathReason = keyof typeof ALTERNATE_PATH_REASONS;

export type AlternatePathFinding = {
  readonly measures: { readonly tried: number; readonly date_skew_seconds?: number };
} & (
  | { readonly status: 'pass' }
  | {
      readonly status: 'warn';
      readonly reason: AlternatePathReason;
      readonly detail: string;
      readonly facts?: Readonly<Record<string, Fact>>;
    }
);

/** One attempt over a path, with one change. */
export type Try = (via: ProxyDecision, change?: Change) => Promise<Attempt>;

export function nothing(tried: number): AlternatePathFinding {
  return { status: 'pass', measures: { tried } };
}

export async function otherClock(
  via: ProxyDecision,
  attempt: Try,
  clock: Clock,
): Promise<AlternatePathFinding> {
  const { dateAt } = await attempt(via, { asksDate: true });
  if (dateAt === undefined) return nothing(1);
  const date_skew_seconds = Math.round((dateAt - clock.wall()) / 1000);
  const measures = { tried: 1, date_skew_seconds };
  if (Math.abs(date_skew_seconds) <= MAX_HARMLESS_SKEW_SECONDS) return { status: 'pass', measures };
  const detail = `the server's clock differs from this host's by ${date_skew_seconds} s`;
  return { status: 'warn', reason: 'clock-differs', detail, measures };
}

/**
 * Which size is it that does not get through: that of every packet, or that of the first message alone? None, if the usual one
 * gets through beside them: the server was silent for a moment.
 */
export async function smaller(via: ProxyDecision, attempt: Try): Promise<AlternatePathFinding> {
  const [usual, segments, hello] = await Promise.all([
    attempt(via),
    attempt(via, { smallSegments: true }),
    attempt(via, { smallHello: true }),
  ]);
  if (isShaken(usual)) return nothing(2);
  if (isShaken(segments)) {
    const detail = 'the TLS handshake succeeds with packets of at most 536 bytes';
    return { status: 'warn', reason: 'small-segments-work', detail, measures: { tried: 2 } };
  }
  if (!isShaken(hello)) return nothing(2);
  const detail =
    "the TLS handshake succeeds with a first message of one packet; the runner's needs two";
  return { status: 'warn', reason: 'small-hello-works', detail, measures: { tried: 2 } };
}

/** The server's certificate arrived, accepted or not. */
function isShaken({ leafFingerprint }: Attempt): boolean {
  return leafFingerprint !== undefined;
}

/** Is TLS asked of a proxy that speaks none? Over http:// it is not asked, and so says nothing. */
export async function withoutTlsToProxy(
  { url, proxy }: EndpointTarget,
  attempt: Try,
): Promise<AlternatePathFinding> {
  if (proxy.kind !== 'proxy' || proxy.scheme !== 'https' || url.protocol !== 'https:') {
    return nothing(0);
  }
  const { isHttpProxy } = await attempt({ ...proxy, scheme: 'http' });
  if (isHttpProxy !== true) return nothing(1);
  const { host, port, variable } = proxy;
  return {
    status: 'warn',
    reason: 'plain-proxy-works',
    detail: `the proxy ${host}:${port} answers without TLS`,
    measures: { tried: 1 },
    facts: { proxy: `${host}:${port}`, variable, needs_plain: true },
  };
}

export async function otherWay(
  { url, proxy, alternatives = [] }: EndpointTarget,
  attempt: Try,
): Promise<AlternatePathFinding> {
  const direct: ProxyDecision = { kind: 'direct', because: 'tried instead' };
  const proxies = alternatives
    .filter(({ decision }) => decision.kind === 'proxy')
    .slice(0, MAX_ALTERNATIVES);
  const [straight, ...others] = await Promise.all([
    proxy.kind === 'proxy' ? attempt(direct) : undefined,
    ...proxies.map(({ decision }) => attempt(decision)),
  ]);
  const tried = others.length + (straight === undefined ? 0 : 1);
  if (straight !== undefined && isOpen(straight, url, proxy)) {
    return directWorks(url, straight, proxy, alternatives, tried);
  }
  const index = others.findIndex((one) => one?.reached === 'end');
  const working = proxies[index];
  return working === undefined ? nothing(tried) : proxyWorks(working, tried);
}

/** Where NO_PROXY was meant to exempt GitLab, any certificate proves the way: whether it is good is another question. */
function isOpen(straight: Attempt, url: HttpUrl, proxy: ProxyDecision): boolean {
  if (straight.reached === 'end') return true;
  const nearMiss = proxy.kind === 'proxy' ? proxy.nearMiss : undefined;
  const isMeant = nearMiss !== undefined || isPrivateHost(url.hostname, straight.addresses);
  return isMeant && isShaken(straight);
}

function proxyWorks(
  { decision, source, isForRunner, isExempt }: ProxyAlternative,
  tried: number,
): AlternatePathFinding {
  if (decision.kind === 'direct') return nothing(tried);
  const { scheme, host, port, variable, credentials } = decision;
  const address = `${host}:${port}`;
  const shown = `${scheme}://${credentials === undefined ? '' : 'USER:PASSWORD@'}${address}`;
  return {
    status: 'warn',
    reason: 'known-proxy-works',
    detail: `through the proxy ${address}, configured in ${source}, GitLab is reachable`,
    measures: { tried },
    facts: {
      proxy: address,
      proxy_url: shown,
      variable,
      source,
      is_for_runner: isForRunner,
      ...(isExempt === true ? { is_exempt: true } : {}),
    },
  };
}

function directWorks(
  url: HttpUrl,
  straight: Attempt,
  inForce: ProxyDecision,
  alternatives: readonly ProxyAlternative[],
  tried: number,
): AlternatePathFinding {
  const nearMiss = inForce.kind === 'proxy' ? inForce.nearMiss : undefined;
  const exempt = alternatives.find(
    ({ decision, isForRunner }) => decision.kind === 'direct' && isForRunner,
  );
  return {
    status: 'warn',
    reason: 'direct-works',
    detail:
      straight.reached === 'end'
        ? 'without the proxy GitLab is reachable'
        : 'without the proxy a certificate of GitLab arrives, which the runner does not accept yet',
    measures: { tried },
    facts: {
      is_internal: isPrivateHost(url.hostname, straight.addresses),
      ...(nearMiss === undefined
        ? {}
        : { no_proxy_entry: nearMiss.entry, no_proxy_because: nearMiss.because }),
      ...(exempt === undefined ? {} : { source: exempt.source }),
    },
  };
}

/** Who made the certificate that the proxy shows: the server itself, or the proxy for this occasion? */
export async function interception(
  proxy: Extract<ProxyDecision, { kind: 'proxy' }>,
  attempt: Try,
  shown: Fact | undefined,
): Promise<AlternatePathFinding> {
  const [straight, minted] = await Promise.all([
    attempt({ kind: 'direct', because: 'to compare' }),
    attempt(proxy, { serverName: UNUSED_NAME }),
  ]);
  const own = straight.leafFingerprint;
  const isMinted = minted.leafNames?.includes(UNUSED_NAME) === true;
  const isOther = own !== undefined && shown !== undefined && own !== shown;
  if (!isMinted && !isOther) return nothing(2);
  const detail = isOther
    ? 'GitLab has a different certificate on a direct connection than through the proxy'
    : 'the proxy returns a certificate for any name, so it creates them itself';
  const because = isOther ? 'differs-from-direct' : 'made-for-any-name';
  return {
    status: 'warn',
    reason: 'intercepted',
    detail,
    measures: { tried: 2 },
    facts: { because, proxy: `${proxy.host}:${proxy.port}`, variable: proxy.variable },
  };
}
