/**
 * Does an alternate path reach GitLab?
 *
 * Source    Other proxies that are configured on this host, and the direct path (go/path-attempt.ts).
 * Measures  tried (count): alternate paths that were tried.
 *           date_skew_seconds: the server's clock minus this host's, if a certificate is rejected because of its dates.
 * Reasons   plain-proxy-works, known-proxy-works, direct-works, small-segments-work, small-hello-works: the one factor that changes the
 *           result. clock-differs: the dates are valid by the server's clock. intercepted: the proxy returns a
 *           certificate that is not GitLab's.
 * Unknown   never by itself: without an alternate path it passes.
 *
 * It judges nothing; the diagnosis tells causes apart by it.
 */
import { withoutBrackets } from '../core/address.ts';
import type { FollowUpTools } from '../core/follow-up.ts';
import { defineFollowUp } from '../core/follow-up.ts';
import type { EndpointTarget } from '../core/target.ts';
import { attemptPath } from '../go/path-attempt.ts';
import type { AlternatePathFinding, Try } from '../go/alternate-paths.ts';
import {
  ALTERNATE_PATH_REASONS,
  interception,
  nothing,
  otherClock,
  otherWay,
  smaller,
  withoutTlsToProxy,
} from '../go/alternate-paths.ts';
import { SHARED_TRUST, trustReaderOf } from '../go/tls/trust.ts';
import type { TrustStore } from '../go/tls/trust.ts';

const ATTEMPT_SECONDS = 4;

const MEASURES = {
  tried: { help: 'Alternate paths to GitLab that were tried because the one in use fails.' },
  date_skew_seconds: {
    help: "Server's clock minus this host's, if a certificate is rejected because of its dates.",
  },
} as const;

const BY_DATE: readonly string[] = ['tls/expired', 'tls/intermediate-expired', 'tls/not-yet-valid'];

export function createAlternatePath(store: TrustStore) {
  return defineFollowUp({
    id: 'alternate-path',
    title: 'Alternate path',
    question: 'Does an alternate path reach GitLab?',
    after: ['dns/fail', 'connect/fail', 'proxy/fail', 'proxy/silent', 'tls/fail'],
    cost: 'connections',
    timeoutSeconds: 14,
    rememberSeconds: 60,
    reasons: ALTERNATE_PATH_REASONS,
    measures: MEASURES,
    idle: { tried: 0 },

    run: async (target, tools): Promise<AlternatePathFinding> =>
      await tryOthers(target, tools, store),
  });
}

export const alternatePath = createAlternatePath(SHARED_TRUST);

async function tryOthers(
  target: EndpointTarget,
  tools: FollowUpTools,
  store: TrustStore,
): Promise<AlternatePathFinding> {
  const { link, name: fault, finding } = tools.fault;
  const { url, proxy } = target;
  const host = withoutBrackets(url.hostname);
  const reader = trustReaderOf(tools);
  const trust = await store.load(target.trust, host, tools.paths, reader);
  const { edns } = reader.go;
  const attempt: Try = async (via, change) =>
    await attemptPath(url, via, { ...tools, trust, edns, timeoutSeconds: ATTEMPT_SECONDS }, change);
  if (fault === 'tls/handshake-blocked') return await smaller(proxy, attempt);
  if (BY_DATE.includes(fault)) return await otherClock(proxy, attempt, tools.clock);
  if (link === 'proxy') {
    const plain = await withoutTlsToProxy(target, attempt);
    if (plain.status === 'warn') return plain;
  }
  if (link !== 'tls') return await otherWay(target, attempt);
  if (proxy.kind === 'direct') return nothing(0);
  return await interception(proxy, attempt, finding.facts?.['fingerprint_sha256']);
}
