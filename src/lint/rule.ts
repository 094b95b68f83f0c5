/**
 * The form of a rule: data for the documentation, and a small function that says where it is broken. Adding a
 * rule is one entry in a file of rules/ and its cases.
 */
import type { Place } from '../config/runner/toml-tree.ts';
import type { LintEffect, LintSeverity } from '../core/lint.ts';
import type { LintContext } from './context.ts';
import type { Section, Subject } from './subject.ts';

/** A change of the text that is certainly right. */
export interface Edit {
  readonly from: Place;
  /** Behind the last character that goes. */
  readonly to: Place;
  readonly text: string;
}

/** One place where a rule is broken. */
export interface Spot {
  /** Absent where it is about the whole file or the host. */
  readonly place?: Place;
  /** `runners.docker.cpus`. */
  readonly key?: string;
  /** Number of its `[[runners]]`. */
  readonly entry?: number;
  /** One clause with what is there: no secret, no full stop. */
  readonly message: string;
  /** What to write instead. */
  readonly corrected?: string;
  readonly edits?: readonly Edit[];
  /** Where this case is worse, or less bad, than the rule says. */
  readonly severity?: LintSeverity;
  readonly effect?: LintEffect;
}

/** What a rule must be able to look at beside the text. */
export type Need = 'files' | 'process' | 'host' | 'history';

export interface Rule {
  readonly code: string;
  readonly name: string;
  readonly severity: LintSeverity;
  readonly effect?: LintEffect;
  /** What is wrong, as a heading. */
  readonly title: string;
  /** What the runner does about it: one sentence. */
  readonly consequence: string;
  /** What to do: one sentence, imperative. */
  readonly fix: string;
  /** A piece of a file that breaks it, and how it should be; for the documentation, and tried by a test. */
  readonly bad: string;
  readonly good: string;
  readonly needs?: readonly Need[];
  /** Judged by the parser, or from what other rules found: the function is never asked. */
  readonly byOthers?: true;
  check(subject: Subject, context: LintContext): Iterable<Spot>;
}

/** Asks about every `[[runners]]` alone. */
export function perEntry(
  check: (section: Section, context: LintContext, subject: Subject) => Iterable<Spot>,
): Rule['check'] {
  return (subject, context) =>
    subject.sections.flatMap((section) =>
      [...check(section, context, subject)].map((spot) => ({ entry: section.number, ...spot })),
    );
}

/** Asks about the entries of some executors alone. */
export function perEntryOf(
  executors: readonly string[],
  check: (section: Section, context: LintContext, subject: Subject) => Iterable<Spot>,
): Rule['check'] {
  return perEntry((section, context, subject) =>
    executors.includes(section.executor) ? check(section, context, subject) : [],
  );
}
