/**
 * The form of a rule: its texts, and a function that finds where it is broken. A rule about single keys is a row of
 * config/runner/schema-constraints.ts; any other is one entry in a file of rules/. Both have their examples.
 */
import type { RuleTexts } from '../config/runner/constraint.ts';
import type { LintContext } from './context.ts';
import type { ParsedConfig, Section } from './parsed-config.ts';
import type { Violation } from './violation.ts';

/** What a rule reads beside the text. */
export type Need = 'files' | 'process' | 'host' | 'history';

export interface Rule extends RuleTexts {
  readonly needs?: readonly Need[];
  check(config: ParsedConfig, context: LintContext): Iterable<Violation>;
}

/** Checks every `[[runners]]` by itself. */
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

/** Checks the entries with some executors. */
export function perEntryOf(
  executors: readonly string[],
  check: (section: Section, context: LintContext, config: ParsedConfig) => Iterable<Violation>,
): Rule['check'] {
  return perEntry((section, context, config) =>
    executors.includes(section.executor) ? check(section, context, config) : [],
  );
}
