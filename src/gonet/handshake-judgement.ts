/** What a failed handshake means: one reason for each thing that somebody can go and repair. */
import type { Handshake } from './handshake.ts';
import type { CaFile, Trust } from './trust.ts';
import type { CertificateProblem, ProblemCode } from './verify.ts';

export type TlsFault =
  | ProblemCode
  | `ca-file-${'missing' | 'unreadable' | 'invalid'}`
  | 'protocol-unsupported'
  | 'client-certificate-required'
  | 'client-certificate-invalid'
  | 'plaintext-server'
  | 'handshake-blocked'
  | 'tls-error';

export interface TlsJudgement {
  readonly status: 'fail' | 'unknown';
  readonly reason: TlsFault;
  readonly detail: string;
}

type Refusal = Exclude<Handshake, { kind: 'secured' }>;

/** Alerts of RFC 8446 that say what the server wants. */
const ALERTS: Readonly<Record<number, TlsFault>> = {
  40: 'protocol-unsupported',
  42: 'client-certificate-invalid',
  45: 'client-certificate-invalid',
  46: 'client-certificate-invalid',
  48: 'client-certificate-invalid',
  70: 'protocol-unsupported',
  71: 'protocol-unsupported',
  112: 'name-mismatch',
  116: 'client-certificate-required',
};

/** The reason and one sentence with the values. */
export function judgeHandshake(shaken: Refusal, trust: Trust): TlsJudgement {
  switch (shaken.kind) {
    case 'refused-by-us':
      return refusedByUs(shaken.problems, trust.caFile);
    case 'alert':
      return refusedByServer(shaken.alert, trust);
    case 'plaintext':
      return {
        status: 'fail',
        reason: 'plaintext-server',
        detail: 'the port answered without TLS',
      };
    case 'error':
      return {
        status: 'unknown',
        reason: 'tls-error',
        detail: `the handshake failed: ${shaken.text}`,
      };
    case 'reset':
    case 'closed':
    case 'timeout':
      return { status: 'fail', reason: 'handshake-blocked', detail: BLOCKED[shaken.kind] };
  }
}

const BLOCKED = {
  reset: 'the connection was reset after the first TLS message',
  closed: 'the connection was closed after the first TLS message',
  timeout: 'no answer to the first TLS message in time',
} as const;

/** A CA file that cannot be used is the cause of an authority that is not trusted. */
function refusedByUs(problems: readonly CertificateProblem[], caFile: CaFile): TlsJudgement {
  const [first] = problems;
  const code = first?.code ?? 'not-acceptable';
  const all = problems.map(({ text }) => text).join('; ');
  const isTrust = code === 'unknown-authority' || code === 'self-signed';
  const { state, path } = caFile;
  if (isTrust && (state === 'missing' || state === 'unreadable' || state === 'invalid')) {
    const what = {
      missing: 'does not exist',
      unreadable: 'cannot be read',
      invalid: 'holds no PEM certificate',
    };
    return { status: 'fail', reason: `ca-file-${state}`, detail: `${path} ${what[state]}; ${all}` };
  }
  return { status: 'fail', reason: code, detail: all };
}

function refusedByServer(alert: number, { client }: Trust): TlsJudgement {
  const problem = client !== undefined && 'problem' in client ? `; ${client.problem}` : '';
  const detail = `the server refused the handshake with TLS alert ${alert}${problem}`;
  const reason = ALERTS[alert];
  if (reason === undefined) return { status: 'unknown', reason: 'tls-error', detail };
  const isAboutClient = reason.startsWith('client-certificate');
  if (isAboutClient && client === undefined) {
    return { status: 'fail', reason: 'client-certificate-required', detail };
  }
  return { status: 'fail', reason: isAboutClient ? 'client-certificate-invalid' : reason, detail };
}
