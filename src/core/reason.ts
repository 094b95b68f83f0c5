/**
 * What a reason of a probe stands for. It is declared once, by the part that finds it; unions of reasons, docs and the
 * default cause of a check derive from the declaration.
 */
import type { Severity } from './vocabulary.ts';

/** An entry of the catalogue reads it, and says what it means and what to do. */
interface ReadReason {
  readonly kind: 'cause';
}

/** Something is wrong, and no entry of the catalogue means it: it is told in these words. */
interface WordedReason extends ReasonTexts {
  readonly kind: 'cause';
  readonly severity: Severity;
}

/** Read together with what else was seen; alone it says little. */
interface ContextReason extends ReasonTexts {
  readonly kind: 'context';
}

/** The check could not find out; its target may be well. */
interface UnseenReason extends ReasonTexts {
  readonly kind: 'unseen';
  /** Its turn has not come. */
  readonly isNotDue?: true;
}

interface ReasonTexts {
  /** What has been observed, one sentence, no values. */
  readonly meaning: string;
  /** What an operator does next, imperative. */
  readonly action: string;
}

export type ReasonSpec = ReadReason | WordedReason | ContextReason | UnseenReason;

/** Reasons that entries of the catalogue read. */
export function leadToCauses<const R extends string>(
  ...reasons: readonly R[]
): Readonly<Record<R, ReasonSpec>> {
  const specs = reasons.map((reason) => [reason, { kind: 'cause' }] as const);
  return Object.fromEntries(specs) as Record<R, ReasonSpec>;
}
