/**
 * Would the runner accept GitLab's certificate, with its own trust and by Go's rules?
 *
 * Source    go/tls/handshake.ts, trust.ts and verify.ts.
 * Measures  handshake_seconds, and the end of every certificate involved, also when verification fails.
 * Reasons   one for each thing that can be repaired; see `reasons`.
 * Unknown   tls-error: an alert or an error that this file does not know.
 */
import type { Socket } from 'node:net';

import { CHANGES_OF_NAME } from '../core/change.ts';
import { withoutBrackets } from '../core/address.ts';
import { deadlineOf } from '../core/abort.ts';
import type { Instant } from '../core/clock.ts';
import type { Fact, Finding } from '../core/finding.ts';
import type { FindingData } from '../core/finding-data.ts';
import type { OptionTable, ValuesOf } from '../core/option.ts';
import type { LinkTools, MeasureSpec } from '../core/probe.ts';
import { addressOfWalk, defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import { RUNNER_WAITS_SECONDS } from '../core/runner-patience.ts';
import type { EndpointTarget } from '../core/target.ts';
import type { Handshake, HandshakeRequest } from '../go/tls/handshake.ts';
import { handshakeLikeGo } from '../go/tls/handshake.ts';
import type { Refusal } from '../go/tls/handshake-judgement.ts';
import { judgeHandshake, TLS_REASONS } from '../go/tls/handshake-judgement.ts';
import {
  expiredIssuer,
  nextExpiryText,
  expiryMeasures,
  chainAttachment,
  handshakeData,
  serverFacts,
  trustedHere,
  trustFacts,
} from '../go/tls/handshake-facts.ts';
import type { Trust, TrustStore } from '../go/tls/trust.ts';
import { SHARED_TRUST, trustReaderOf } from '../go/tls/trust.ts';

/** Longer than the runner waits, so that a slow server is told from a silent one. */
const HANDSHAKE_SECONDS = 14;

const REASONS = { ...TLS_REASONS, ...leadToCauses('expiring-soon', 'slow', 'late') };

function position(of: string): {
  readonly metric: string;
  readonly labels: Record<string, string>;
} {
  return { metric: 'tls_certificate_not_after_timestamp_seconds', labels: { position: of } };
}

const OPTIONS = {
  expiring_soon_seconds: {
    kind: 'number',
    default: 14 * 86_400,
    unit: 'seconds',
    min: 0,
    max: 365 * 86_400,
    help: 'A certificate that expires within this time is a warning.',
  },
  slow_seconds: {
    kind: 'number',
    default: 5,
    unit: 'seconds',
    min: 0.1,
    max: 60,
    help: 'A handshake that takes longer is a warning.',
  },
} as const satisfies OptionTable;

const MEASURES = {
  handshake_seconds: {
    measurement: 'responseTime',
    help: 'Duration of the TLS handshake.',
    as: { metric: 'path_phase_seconds', labels: { phase: 'tls' } },
  },
  leaf_not_after_timestamp_seconds: {
    help: "Expiry of the server's certificate.",
    as: position('leaf'),
  },
  chain_not_after_timestamp_seconds: {
    help: 'Earliest expiry of the issuers sent.',
    as: position('chain'),
  },
  ca_file_not_after_timestamp_seconds: {
    help: 'Earliest expiry in the CA file.',
    as: position('ca_file'),
  },
  client_not_after_timestamp_seconds: {
    help: 'Expiry of the client certificate.',
    as: position('client'),
  },
} satisfies Readonly<Record<string, MeasureSpec>>;

const NO_CONNECTION = {
  status: 'unknown',
  reason: 'tls-error',
  detail: 'there is no open connection',
} as const;

/** The store keeps what was read of the trust files between the runs; a test has its own. */
export function createTls(store: TrustStore) {
  return defineProbe({
    id: 'tls',
    title: 'TLS',
    question:
      "Does the runner accept GitLab's certificate, with its own trust files and the rules of Go?",
    kind: 'endpoint',
    changedBy: [
      ...CHANGES_OF_NAME,
      'proxy-environment',
      'ca-file',
      'system-certificates',
      'client-certificate',
      'server-certificate',
      'config-trust',
    ],
    needs: ['connect', 'proxy'],
    intervalSeconds: 15,
    timeoutSeconds: 15,
    options: OPTIONS,
    reasons: REASONS,
    measures: MEASURES,
    applies: (target) => target.url.protocol === 'https:',
    run: async (target, options, tools) => await shake(store, target, options, tools),
  });
}

async function shake(
  store: TrustStore,
  target: EndpointTarget,
  options: ValuesOf<typeof OPTIONS>,
  tools: LinkTools,
): Promise<Finding<keyof typeof REASONS, keyof typeof MEASURES>> {
  const host = withoutBrackets(target.url.hostname);
  const { clock, signal, walk } = tools;
  const trust = await store.load(target.trust, host, tools.paths, trustReaderOf(tools));
  const { open } = walk;
  if (walk.socket === undefined || open === undefined) return NO_CONNECTION;
  const start = clock.seconds();
  using deadline = deadlineOf(HANDSHAKE_SECONDS, signal);
  const request = { host, trust, now: clock.wall(), signal: deadline.signal };
  const shaken = await handshakeLikeGo(walk.socket, request);
  const shown = 'shown' in shaken ? shaken.shown : undefined;
  const handshake_seconds = clock.seconds() - start;
  const measures = { handshake_seconds, ...expiryMeasures(trust, shown) };
  const served = shown === undefined ? {} : serverFacts(shown);
  const facts = { ...trustFacts(trust, target.trust, host), ...served, ...addressOfWalk(walk) };
  const attachments = shown === undefined ? {} : chainAttachment(shown);
  const seen = { measures, facts, data: handshakeData(trust, shown), attachments };
  const settled = await settle(shaken, deadline.signal);
  if (settled.kind !== 'secured')
    return { ...seen, ...judgeRefusal(settled, trust, request.now, facts) };
  const known = { ...seen, data: { ...seen.data, ...ownTrust(settled, trust, request, tools) } };
  const pace = judgePace(handshake_seconds, options.slow_seconds);
  const paced = pace && { ...known, ...pace, facts: { ...facts, ...pace.facts } };
  if (paced?.reason === 'late') {
    settled.socket.destroy();
    return paced;
  }
  walk.socket = settled.socket;
  walk.open = async (again) => await reopen(await open(again), { ...request, signal: again });
  const ending = nextExpiryText(settled.path, trust, request.now, options.expiring_soon_seconds);
  if (ending !== undefined)
    return { status: 'warn', reason: 'expiring-soon', detail: ending, ...known };
  return paced ?? { status: 'pass', ...known };
}

/** Where the image of the runner is not visible: what only ours is known to trust. */
function ownTrust(
  { shown, path }: Extract<Handshake, { readonly kind: 'secured' }>,
  trust: Trust,
  request: HandshakeRequest,
  { place }: LinkTools,
): FindingData {
  return place.unseen === undefined ? {} : trustedHere(shown, path, trust, request);
}

/** A handshake that succeeds, but slowly: undefined within the limit. */
function judgePace(seconds: number, slowSeconds: number) {
  const took = `the TLS handshake takes ${seconds.toFixed(1)} s`;
  if (seconds > RUNNER_WAITS_SECONDS.handshake) {
    const detail = `${took}, and the runner gives up after ${RUNNER_WAITS_SECONDS.handshake} s`;
    return { status: 'fail', reason: 'late', detail, facts: { took: detail } } as const;
  }
  if (seconds <= slowSeconds) return undefined;
  return { status: 'warn', reason: 'slow', detail: took, facts: { took } } as const;
}

async function reopen(socket: Socket, request: HandshakeRequest): Promise<Socket> {
  const next = await handshakeLikeGo(socket, request);
  if (next.kind !== 'secured')
    throw new Error(`the TLS connection cannot be reopened: ${next.kind}`);
  return next.socket;
}

/** TLS 1.3: what the server thinks of the client certificate comes after the handshake. */
async function settle(shaken: Handshake, signal: AbortSignal): Promise<Handshake> {
  const refusal = shaken.kind === 'secured' ? await shaken.verdict(signal) : undefined;
  if (shaken.kind !== 'secured' || refusal === undefined) return shaken;
  shaken.socket.destroy();
  return refusal;
}

function judgeRefusal(
  refusal: Refusal,
  trust: Trust,
  now: Instant,
  facts: Readonly<Record<string, Fact>>,
) {
  const { alsoWrong, ...judgement } = judgeHandshake(refusal, trust, now);
  const expired =
    judgement.reason === 'intermediate-expired' && 'shown' in refusal
      ? expiredIssuer(trust, refusal.shown.sent, now)
      : {};
  const also = alsoWrong === undefined ? {} : { also_wrong: alsoWrong.join(', ') };
  const silent = refusal.kind === 'timeout' ? { is_silent: true } : {};
  return { ...judgement, facts: { ...facts, ...expired, ...also, ...silent } };
}

export const tls = createTls(SHARED_TRUST);
