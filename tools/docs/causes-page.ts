/** docs/causes.md: the runbook of every cause, from the catalogue that the diagnosis itself uses. */
import type { CauseSpec } from '../../src/diagnosis/cause-spec.ts';
import { PLACEHOLDERS } from '../../src/diagnosis/cause-spec.ts';
import { catalogue } from '../../src/diagnosis/catalogue/index.ts';
import { code, codeBlock, head, table } from './markdown.ts';

export function causesPage(): string {
  return [
    ...head('Causes', '`src/diagnosis/catalogue/`'),
    'What each cause means, what proves it, what to type. `runnerwatch explain CAUSE` prints the same in a terminal.',
    'Words in capitals stand for values that the real report fills in.',
    '',
    ...table(
      ['cause', 'severity', 'scope', 'in one line'],
      catalogue.map(({ id, severity, scope, title }) => [
        `[${code(id)}](#${id})`,
        severity,
        scope,
        title,
      ]),
    ),
    ...catalogue.flatMap(section),
  ].join('\n');
}

function section(spec: CauseSpec): readonly string[] {
  const { id, title, meaning, evidence, notConfusedWith, from, resolvedWhen } = spec;
  const others = notConfusedWith.map((other) =>
    isKnown(other) ? `[${code(other)}](#${other})` : code(other),
  );
  return [
    `## ${id}`,
    '',
    `**${title}.** ${meaning}`,
    '',
    `- Evidence: ${evidence}`,
    ...(from.length === 0 ? [] : [`- Read from: ${from.map(code).join(', ')}`]),
    ...(others.length === 0 ? [] : [`- Not to be confused with: ${others.join(', ')}`]),
    `- Resolved when ${resolvedWhen}.`,
    '',
    ...spec
      .fix(PLACEHOLDERS)
      .flatMap(({ text, command }, index) => [
        `${index + 1}. ${text}`,
        ...(command === undefined ? [] : ['', ...codeBlock([command]).map((line) => `   ${line}`)]),
        '',
      ]),
  ];
}

function isKnown(id: string): boolean {
  return catalogue.some((spec) => spec.id === id);
}
