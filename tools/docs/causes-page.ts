/** docs/causes.md: the runbook of every cause, from the catalogue that the diagnosis itself uses. */
import { SEVERITY_MEANINGS } from '../../src/core/vocabulary.ts';
import type { CauseSpec } from '../../src/diagnosis/cause-spec.ts';
import { catalogue } from '../../src/diagnosis/catalogue/index.ts';
import { confirmationText, lookAlikesOf, fixSteps } from '../../src/diagnosis/explain.ts';
import { code, codeBlock, head, table } from './markdown.ts';

export function causesPage(): string {
  return [
    ...head('Causes', '`src/diagnosis/catalogue/`'),
    'What each cause means, its evidence, similar causes, and the fix. `runnerwatch explain CAUSE` prints the same in a terminal.',
    'Words in capitals stand for values that the real report fills in.',
    '',
    ...table(
      ['cause', 'severity', 'scope', 'summary'],
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
  const { id, title, meaning, evidence, from, resolvedWhen } = spec;
  return [
    `## ${id}`,
    '',
    `**${title}.** ${meaning}`,
    '',
    `- Severity: ${severityText(spec)}`,
    `- Evidence: ${evidence} ${confirmationText(spec)}`,
    ...(from.length === 0 ? [] : [`- Read from: ${from.map(code).join(', ')}`]),
    ...confusedWith(spec),
    `- Clears when ${resolvedWhen}.`,
    '',
    ...fixSteps(spec).flatMap(({ text, command }, index) => [
      `${index + 1}. ${text}`,
      ...(command === undefined ? [] : ['', ...codeBlock([command]).map((line) => `   ${line}`)]),
      '',
    ]),
  ];
}

function severityText({ severity, warnSeverity }: CauseSpec): string {
  const meaning = `${severity}: ${SEVERITY_MEANINGS[severity]}`;
  return warnSeverity === undefined || warnSeverity === severity
    ? meaning
    : `${meaning} If its check only warns: ${warnSeverity}.`;
}

function confusedWith(spec: CauseSpec): readonly string[] {
  const doubles = lookAlikesOf(spec);
  if (doubles.length === 0) return [];
  return [
    '- Not to be confused with:',
    ...doubles.map(({ id, title, evidence }) =>
      title === undefined
        ? `  - ${code(id)}`
        : `  - [${code(id)}](#${id}): ${title}. Evidence: ${evidence ?? ''}`,
    ),
  ];
}
