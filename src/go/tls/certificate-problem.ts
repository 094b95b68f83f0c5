/** The faults of a certificate chain, one code for each thing that can be repaired. */
import { leadToCauses } from '../../core/reason.ts';

export const PROBLEM_REASONS = leadToCauses(
  'unknown-authority',
  'self-signed',
  'missing-intermediate',
  'expired',
  'intermediate-expired',
  'not-yet-valid',
  'name-mismatch',
  'no-san',
  'not-acceptable',
);

export type ProblemCode = keyof typeof PROBLEM_REASONS;

export interface CertificateProblem {
  readonly code: ProblemCode;
  /** One clause with the values: `the certificate expired on 2026-01-02`. */
  readonly text: string;
}

export function notAcceptableProblem(text: string): CertificateProblem {
  return { code: 'not-acceptable', text };
}
