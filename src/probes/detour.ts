/**
 * Would another way than the one in force lead to GitLab?
 *
 * Source    Other proxies that are written down on this host, and the direct way (gonet/attempt.ts). Tried only
 *           when the way in force is broken, and for the same fault at most once a minute.
 * Measures  tried (count): other ways that were tried.
 * Reasons   known-proxy-works, direct-works, small-segments-work, small-hello-works: the one factor that makes
 *           the difference. intercepted: the proxy shows a certificate that is not GitLab's.
 * Unknown   never by itself: without another way there is nothing to say, and it passes.
 *
 * It is no link of the walk: it judges nothing and gives the diagnosis what it needs to tell causes apart.
 */
import type { Finding } from '../core/finding.ts';
import type { LinkTools, ReasonSpec } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import type { EndpointTarget, ProxyAlternative, ProxyDecision } from '../core/target.ts';
import type { Attempt, Change } from '../gonet/attempt.ts';
import { attemptWay } from '../gonet/attempt.ts';
import { isPrivateHost } from '../gonet/private-address.ts';
import { SHARED_TRUST } from '../gonet/shared-trust.ts';
import type { TrustStore } from '../gonet/trust.ts';

const AGAIN_SECONDS = 60;
const ATTEMPT_SECONDS = 4;
const MOST_ALTERNATIVES = 3;
/** A name that nobody has: a certificate for it was made by whoever stands between. */
const NOBODY = 'sni-test.runnerwatch.invalid';

const REASONS = {
  'known-proxy-works': {
    meaning: 'A proxy that is written down on this host, and not in force, leads to GitLab.',
    action: 'Give it to the runner’s process, in its unit, and restart it.',
  },
  'direct-works': {
    meaning: 'The direct way leads to GitLab, and the proxy in force does not.',
    action: 'Exempt GitLab from the proxy by NO_PROXY, or repair the proxy.',
  },
  'small-segments-work': {
    meaning: 'The handshake passes when the server may only send small packets.',
    action:
      'Lower the MTU of the interface or tunnel, and let ICMP “fragmentation needed” through.',
  },
  'small-hello-works': {
    meaning: 'The handshake passes when the first message fits into one packet.',
    action:
      'Repair the filter that cannot take a TLS hello of two packets, or set GODEBUG=tlsmlkem=0.',
  },
  intercepted: {
    meaning: 'Through the proxy another certificate is shown than GitLab’s own.',
    action: 'Make the runner trust the proxy’s authority, or exempt GitLab from the proxy.',
  },
} as const satisfies Readonly<Record<string, ReasonSpec>>;

type DetourFinding = Finding<keyof typeof REASONS, 'tried'>;

interface Kept {
  readonly signature: string;
  readonly atSeconds: number;
  readonly finding: DetourFinding;
}

export function createDetour(store: TrustStore) {
  const kept = new Map<string, Kept>();
  return defineProbe({
    id: 'detour',
    title: 'Other ways',
    question: 'Would another way than the one in force lead to GitLab?',
    kind: 'endpoint',
    needs: [],
    intervalSeconds: 15,
    timeoutSeconds: 14,
    options: {},
    reasons: REASONS,
    measures: {
      tried: { help: 'Other ways to GitLab that were tried, because the one in force is broken.' },
    },

    async run(target, _options, tools): Promise<DetourFinding> {
      const signature = brokenAt(tools);
      if (signature === undefined) return { status: 'pass', measures: { tried: 0 } };
      const known = kept.get(target.id);
      const now = tools.clock.seconds();
      if (known?.signature === signature && now - known.atSeconds < AGAIN_SECONDS)
        return known.finding;
      const finding = await look(target, tools, store, signature);
      kept.set(target.id, { signature, atSeconds: now, finding });
      return finding;
    },
  });
}

export const detour = createDetour(SHARED_TRUST);

/** `connect/timeout`: the first link of this walk that failed, of those that another way could avoid. */
function brokenAt({ walk }: LinkTools): string | undefined {
  for (const link of ['proxy', 'dns', 'connect', 'tls']) {
    const finding = walk.findings?.get(link);
    if (finding?.status === 'fail') return `${link}/${finding.reason}`;
  }
  return undefined;
}

async function look(
  target: EndpointTarget,
  tools: LinkTools,
  store: TrustStore,
  signature: string,
): Promise<DetourFinding> {
  const { url, proxy } = target;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const trust = await store.load(target.trust, host, tools.paths);
  const attempt: Try = async (way, change) =>
    await attemptWay(url, way, { ...tools, trust, timeoutSeconds: ATTEMPT_SECONDS }, change);
  if (signature === 'tls/handshake-blocked') return await smaller(proxy, attempt);
  if (!signature.startsWith('tls/')) return await otherWay(target, attempt);
  return proxy.kind === 'proxy' ? await interception(proxy, attempt, tools) : nothing(0);
}

type Try = (way: ProxyDecision, change?: Change) => Promise<Attempt>;

/** Which size is it that does not get through: that of the answer, or that of the first message? */
async function smaller(way: ProxyDecision, attempt: Try): Promise<DetourFinding> {
  const [segments, hello] = await Promise.all([
    attempt(way, { smallSegments: true }),
    attempt(way, { smallHello: true }),
  ]);
  if (isShaken(hello)) {
    const detail =
      'with a first TLS message of one packet the handshake passes; the runner’s takes two';
    return { status: 'warn', reason: 'small-hello-works', detail, measures: { tried: 2 } };
  }
  if (!isShaken(segments)) return nothing(2);
  const detail = 'with packets of at most 536 bytes from the server the handshake passes';
  return { status: 'warn', reason: 'small-segments-work', detail, measures: { tried: 2 } };
}

/** The server’s certificate arrived, whether it is accepted or not. */
function isShaken({ leafFingerprint }: Attempt): boolean {
  return leafFingerprint !== undefined;
}

async function otherWay(
  { url, proxy, alternatives = [] }: EndpointTarget,
  attempt: Try,
): Promise<DetourFinding> {
  const direct: ProxyDecision = { kind: 'direct', because: 'tried instead' };
  const proxies = alternatives
    .filter(({ decision }) => decision.kind === 'proxy')
    .slice(0, MOST_ALTERNATIVES);
  const [straight, ...others] = await Promise.all([
    proxy.kind === 'proxy' ? attempt(direct) : undefined,
    ...proxies.map(({ decision }) => attempt(decision)),
  ]);
  const tried = others.length + (straight === undefined ? 0 : 1);
  if (straight?.reached === 'end') return directWorks(url, straight, proxy, alternatives, tried);
  const index = others.findIndex((one) => one?.reached === 'end');
  const working = proxies[index];
  return working === undefined ? nothing(tried) : proxyWorks(working, tried);
}

function nothing(tried: number): DetourFinding {
  return { status: 'pass', measures: { tried } };
}

function proxyWorks(
  { decision, source, isForRunner }: ProxyAlternative,
  tried: number,
): DetourFinding {
  if (decision.kind === 'direct') return nothing(tried);
  const { scheme, host, port, variable, credentials } = decision;
  const place = `${host}:${port}`;
  const shown = `${scheme}://${credentials === undefined ? '' : 'USER:PASSWORD@'}${place}`;
  return {
    status: 'warn',
    reason: 'known-proxy-works',
    detail: `through the proxy ${place}, written down in ${source}, the way to GitLab is open`,
    measures: { tried },
    facts: { proxy: place, proxy_url: shown, variable, source, is_for_runner: isForRunner },
  };
}

function directWorks(
  url: URL,
  { addresses }: Attempt,
  inForce: ProxyDecision,
  alternatives: readonly ProxyAlternative[],
  tried: number,
): DetourFinding {
  const nearMiss = inForce.kind === 'proxy' ? inForce.nearMiss : undefined;
  const exempt = alternatives.find(
    ({ decision, isForRunner }) => decision.kind === 'direct' && isForRunner,
  );
  return {
    status: 'warn',
    reason: 'direct-works',
    detail: 'without the proxy the way to GitLab is open',
    measures: { tried },
    facts: {
      is_internal: isPrivateHost(url.hostname, addresses),
      ...(nearMiss === undefined
        ? {}
        : { no_proxy_entry: nearMiss.entry, no_proxy_because: nearMiss.because }),
      ...(exempt === undefined ? {} : { source: exempt.source }),
    },
  };
}

/** Who made the certificate that the proxy shows: the server itself, or the proxy for this occasion? */
async function interception(
  proxy: Extract<ProxyDecision, { kind: 'proxy' }>,
  attempt: Try,
  { walk }: LinkTools,
): Promise<DetourFinding> {
  const shown = walk.findings?.get('tls')?.facts?.['fingerprint_sha256'];
  const [straight, minted] = await Promise.all([
    attempt({ kind: 'direct', because: 'to compare' }),
    attempt(proxy, { serverName: NOBODY }),
  ]);
  const own = straight.leafFingerprint;
  const isMinted = minted.leafNames?.includes(NOBODY) === true;
  const isOther = own !== undefined && shown !== undefined && own !== shown;
  if (!isMinted && !isOther) return nothing(2);
  const detail = isOther
    ? 'GitLab shows another certificate on the direct way than through the proxy'
    : 'through the proxy a certificate is shown for whatever name is asked for, so it is made there';
  const because = isOther ? 'differs-from-direct' : 'made-for-any-name';
  return {
    status: 'warn',
    reason: 'intercepted',
    detail,
    measures: { tried: 2 },
    facts: { because },
  };
}
