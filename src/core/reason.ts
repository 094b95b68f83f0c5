/**
 * What a reason of a probe stands for. It is declared once, by the part that finds it; unions of reasons, docs and the
 * default cause of a check derive from the declaration.
 */
import type { Severity } from './vocabulary.ts';

/** An entry of the catalogue uses it, and has the meaning and the fix. */
interface ReadReason {
  readonly kind: 'cause';
  /** What was observed, where the title of the cause is not exact for this reason; one sentence, no values. */
  readonly observed?: string;
}

/** A fault without an entry in the catalogue: it is reported with these texts. */
interface WordedReason extends ReasonTexts {
  readonly kind: 'cause';
  readonly severity: Severity;
}

/** Only meaningful together with other findings. */
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
