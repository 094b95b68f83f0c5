/** What the rules about [runners.docker] share. */
import type { LintContext } from '../context.ts';
import { DOCKER_EXECUTORS } from '../executors.ts';
import { tableAt } from '../reading.ts';
import type { Rule, Spot } from '../rule.ts';
import { perEntryOf } from '../rule.ts';
import type { Section } from '../subject.ts';

export const dockerKey = (name: string): string => `runners.docker.${name}`;

/** Asks about entries whose jobs run in Docker, and that have the table. */
export function docker(
  check: (section: Section, context: LintContext) => Iterable<Spot>,
): Rule['check'] {
  return perEntryOf(DOCKER_EXECUTORS, (section, context) =>
    tableAt(section.table, 'docker') === undefined ? [] : check(section, context),
  );
}
