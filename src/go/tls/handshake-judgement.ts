/** Classifies a failed handshake: one reason for each thing that can be repaired. */
import { dateAndAge } from '../../core/date-text.ts';
import { leadToCauses } from '../../core/reason.ts';
import type { Instant } from '../../core/clock.ts';
import type { Handshake } from './handshake.ts';
import type { Trust } from './trust.ts';
import type { CertificateProblem } from './certificate-problem.ts';
import { PROBLEM_REASONS } from './certificate-problem.ts';

export const TLS_REASONS = {
  ...PROBLEM_REASONS,
  ...leadToCauses(
    'protocol-unsupported',
    'client-certificate-required',
    'client-certificate-invalid',
    'ca-file-missing',
    'ca-file-unreadable',
    'ca-file-invalid',
    'plaintext-server',
    'handshake-blocked',
    'http2-only',
  ),
  'tls-error': {
    kind: 'unseen',
    meaning: 'The TLS handshake failed with an error that runnerwatch does not know.',
    action: 'Report the detail shown as a bug of runnerwatch.',
  },
} as const;

export type TlsFault = keyof typeof TLS_REASONS;

export interface TlsJudgement {
  readonly status: 'fail' | 'unknown';
  readonly reason: TlsFault;
  readonly detail: string;
  /** What else has to be repaired, as reasons. */
  readonly alsoWrong?: readonly TlsFault[];
}

export type Refusal = Exclude<Handshake, { kind: 'secured' }>;

const HANDSHAKE_FAILURE = 40;

/** Alerts of RFC 8446 that name the fault. */
const ALERTS: Readonly<Record<number, TlsFault>> = {
  [HANDSHAKE_FAILURE]: 'protocol-unsupported',
  70: 'protocol-unsupported',
  71: 'protocol-unsupported',
  112: 'name-mismatch',
  // no_application_protocol: Go's client offers none.
  120: 'http2-only',
};

/** bad, unsupported, revoked, expired and unknown certificate, unknown authority, certificate required. */
const CLIENT_ALERTS: readonly number[] = [42, 43, 44, 45, 46, 48, 116];

/** The reason and one sentence with the values. */
export function judgeHandshake(shaken: Refusal, trust: Trust, now: Instant): TlsJudgement {
  switch (shaken.kind) {
    case 'refused-by-us':
      return judgeRejectedChain(shaken.problems, trust);
    case 'alert':
      return judgeAlert(shaken, trust, now);
    case 'plaintext':
      return {
        status: 'fail',
        reason: 'plaintext-server',
        detail: 'the port responded without TLS',
      };
    case 'error':
      return {
        status: 'unknown',
        reason: 'tls-error',
        detail: `the handshake failed: ${shaken.text}`,
      };
    case 'reset':
    case 'closed':
      if (shaken.wasAsked) return judgeCloseAfterRequest(trust, now);
      return { status: 'fail', reason: 'handshake-blocked', detail: BLOCKED[shaken.kind] };
    case 'timeout':
      return { status: 'fail', reason: 'handshake-blocked', detail: BLOCKED.timeout };
  }
}

/** Some servers refuse a client certificate by hanging up. A filter would have cut the first message. */
function judgeCloseAfterRequest({ client }: Trust, now: Instant): TlsJudgement {
  const what = client === undefined ? 'required' : 'invalid';
  const detail = `the server asked for a client certificate and then closed the connection${clientText(client, now)}`;
  return { status: 'fail', reason: `client-certificate-${what}`, detail };
}

/** What is wrong with the runner's own certificate, as far as its files show it. */
function clientText(client: Trust['client'], now: Instant): string {
  if (client === undefined) return '';
  if ('problem' in client) return `; ${client.problem}`;
  const { validToDate } = client.certificate;
  return validToDate.getTime() < now
    ? `; the client certificate expired on ${dateAndAge(validToDate.getTime(), now)}`
    : '';
}

const BLOCKED = {
  reset: 'the connection was reset after the first TLS message',
  closed: 'the connection was closed after the first TLS message',
  timeout: 'no response to the first TLS message before the timeout',
} as const;

function judgeRejectedChain(problems: readonly CertificateProblem[], trust: Trust): TlsJudgement {
  const { reason, detail } = mainProblem(problems, trust);
  // An unusable CA file replaces the error about the authority that it should have made known.
  const [, ...rest] = problems.map(({ code }) => code);
  const alsoWrong = [...new Set(rest)].filter((code) => code !== reason);
  return { status: 'fail', reason, detail, ...(alsoWrong.length === 0 ? {} : { alsoWrong }) };
}

/** A CA file that cannot be used is the cause of an authority that is not trusted. */
function mainProblem(
  problems: readonly CertificateProblem[],
  { caFile, systemFile }: Trust,
): { readonly reason: TlsFault; readonly detail: string } {
  const [first] = problems;
  const code = first?.code ?? 'not-acceptable';
  const all = problems.map(({ text }) => text).join('; ');
  const isTrust = code === 'unknown-authority' || code === 'self-signed';
  const { state, path } = caFile;
  if (isTrust && (state === 'missing' || state === 'unreadable' || state === 'invalid')) {
    const what = {
      missing: 'does not exist',
      unreadable: 'cannot be read',
      invalid: 'has no PEM certificate',
    };
    return { reason: `ca-file-${state}`, detail: `${path} ${what[state]}; ${all}` };
  }
  const instead = `; SSL_CERT_FILE of the runner replaces the system bundle with ${systemFile}`;
  return { reason: code, detail: isTrust && systemFile !== undefined ? `${all}${instead}` : all };
}

/** Only this check cannot, so its failure proves nothing. */
const OFFERS_MORE = 'the runner also offers 3DES, which this check cannot';

type Alert = Extract<Refusal, { kind: 'alert' }>;

/** `handshake_failure` names no fault: after a request for a client certificate it is about that certificate. */
function judgeAlert({ alert, wasAsked }: Alert, { client, go }: Trust, now: Instant): TlsJudgement {
  const detail = `the server rejected the handshake with TLS alert ${alert}${clientText(client, now)}`;
  const isAboutClient = CLIENT_ALERTS.includes(alert) || (alert === HANDSHAKE_FAILURE && wasAsked);
  if (isAboutClient) {
    const what = client === undefined ? 'required' : 'invalid';
    return { status: 'fail', reason: `client-certificate-${what}`, detail };
  }
  if (alert === HANDSHAKE_FAILURE && go.tripleDes) {
    return { status: 'unknown', reason: 'tls-error', detail: `${detail}; ${OFFERS_MORE}` };
  }
  const reason = ALERTS[alert];
  if (reason === undefined) return { status: 'unknown', reason: 'tls-error', detail };
  return { status: 'fail', reason, detail };
}
