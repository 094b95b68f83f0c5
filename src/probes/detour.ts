/**
 * Would another way than the one in force lead to GitLab?
 *
 * Source    Other proxies that are written down on this host, and the direct way (go/path-attempt.ts). Tried only
 *           when the way in force is broken, and for the same fault at most once a minute.
 * Measures  tried (count): other ways that were tried.
 *           date_skew_seconds: the server's clock minus this one, where a certificate is refused for its dates.
 * Reasons   known-proxy-works, direct-works, small-segments-work, small-hello-works: the one factor that makes
 *           the difference. clock-differs: the dates would be right by the server's clock. intercepted: the proxy shows a certificate that is not GitLab's.
 * Unknown   never by itself: without another way there is nothing to say, and it passes.
 *
 * It is no link of the walk: it judges nothing and gives the diagnosis what it needs to tell causes apart.
 */
import type { LinkTools, ReasonSpec } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import { PerFaultCache } from '../core/per-fault-cache.ts';
import type { EndpointTarget } from '../core/target.ts';
import { attemptWay } from '../go/path-attempt.ts';
import type { Detour, DetourReason, Try } from '../go/alternate-paths.ts';
import { interception, nothing, otherClock, otherWay, smaller } from '../go/alternate-paths.ts';
import { SHARED_TRUST } from '../go/tls/trust.ts';
import type { TrustStore } from '../go/tls/trust.ts';
import { createReadCheck } from '../host/fs/rights.ts';

const AGAIN_SECONDS = 60;
const ATTEMPT_SECONDS = 4;

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
  'clock-differs': {
    meaning:
      'A certificate is refused for its dates, and the server’s clock differs from this host’s.',
    action: 'Set the clock that is wrong; most likely this host’s.',
  },
  intercepted: {
    meaning: 'Through the proxy another certificate is shown than GitLab’s own.',
    action: 'Make the runner trust the proxy’s authority, or exempt GitLab from the proxy.',
  },
} as const satisfies Readonly<Record<DetourReason, ReasonSpec>>;

const MEASURES = {
  tried: { help: 'Other ways to GitLab that were tried, because the one in force is broken.' },
  date_skew_seconds: {
    help: 'Server’s clock minus this host’s, where a certificate is refused for its dates.',
  },
} as const;

const BY_DATE: readonly string[] = ['tls/expired', 'tls/intermediate-expired', 'tls/not-yet-valid'];

export function createDetour(store: TrustStore) {
  const looks = new PerFaultCache<EndpointTarget, Detour>(AGAIN_SECONDS);
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
    measures: MEASURES,

    async run(target, _options, tools): Promise<Detour> {
      const signature = brokenAt(tools);
      if (signature === undefined) return { status: 'pass', measures: { tried: 0 } };
      return await looks.found(target, signature, tools.clock.seconds(), () =>
        look(target, tools, store, signature),
      );
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
): Promise<Detour> {
  const { url, proxy } = target;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const trust = await store.load(
    target.trust,
    host,
    tools.paths,
    createReadCheck(target.credentials, tools.paths),
  );
  const attempt: Try = async (way, change) =>
    await attemptWay(url, way, { ...tools, trust, timeoutSeconds: ATTEMPT_SECONDS }, change);
  if (signature === 'tls/handshake-blocked') return await smaller(proxy, attempt);
  if (BY_DATE.includes(signature)) return await otherClock(proxy, attempt, tools.clock);
  if (!signature.startsWith('tls/')) return await otherWay(target, attempt);
  if (proxy.kind === 'direct') return nothing(0);
  const shown = tools.walk.findings?.get('tls')?.facts?.['fingerprint_sha256'];
  return await interception(proxy, attempt, shown);
}
