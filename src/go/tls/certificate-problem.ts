/** The faults of a certificate chain, one code for each thing that can be repaired. */

export type ProblemCode =
  | 'unknown-authority'
  | 'self-signed'
  | 'missing-intermediate'
  | 'expired'
  | 'intermediate-expired'
  | 'not-yet-valid'
  | 'name-mismatch'
  | 'no-san'
  | 'not-acceptable';

export interface CertificateProblem {
  readonly code: ProblemCode;
  /** One clause with the values: `the certificate expired on 2026-01-02`. */
  readonly text: string;
}

export function notAcceptableProblem(text: string): CertificateProblem {
  return { code: 'not-acceptable', text };
}
