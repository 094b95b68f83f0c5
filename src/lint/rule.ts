/**
 * The form of a rule: data for the documentation, and a small function that says where it is broken. Adding a
 * rule is one entry in a file of rules/ and its cases.
 */
import type { LintEffect, LintSeverity } from '../core/lint.ts';
import type { LintContext } from './context.ts';
import type { ParsedConfig, Section } from './parsed-config.ts';
import type { Violation } from './violation.ts';

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
  readonly needs?: readonly Need[];
  /** Judged by the parser, or from what other rules found: the function is never asked. */
  readonly byOthers?: true;
  check(config: ParsedConfig, context: LintContext): Iterable<Violation>;
}

/** Asks about every `[[runners]]` alone. */
export function perEntry(
  check: (section: Section, context: LintContext, config: ParsedConfig) => Iterable<Violation>,
): Rule['check'] {
  return (config, context) =>
    config.sections.flatMap((section) =>
      [...check(section, context, config)].map((violation) => ({
        entry: section.number,
        ...violation,
      })),
    );
}

/** Asks about the entries of some executors alone. */
export function perEntryOf(
  executors: readonly string[],
  check: (section: Section, context: LintContext, config: ParsedConfig) => Iterable<Violation>,
): Rule['check'] {
  return perEntry((section, context, config) =>
    executors.includes(section.executor) ? check(section, context, config) : [],
  );
}
