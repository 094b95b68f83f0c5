/** What the rules about [runners.docker] share. */
import type { LintContext } from '../context.ts';
import { DOCKER_EXECUTORS } from '../executors.ts';
import type { Section } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { perEntryOf } from '../rule.ts';
import { tableAt } from '../values.ts';
import type { Violation } from '../violation.ts';

export const dockerKey = (name: string): string => `runners.docker.${name}`;

/** Asks about entries whose jobs run in Docker, and that have the table. */
export function docker(
  check: (section: Section, context: LintContext) => Iterable<Violation>,
): Rule['check'] {
  return perEntryOf(DOCKER_EXECUTORS, (section, context) =>
    tableAt(section.table, 'docker') === undefined ? [] : check(section, context),
  );
}
