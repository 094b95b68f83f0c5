/** docs/lint.md: every rule, from the registry that the linter itself asks. */
import { EFFECT_TEXTS, needsText } from '../../src/lint/rule-page.ts';
import { examplesOf } from '../../src/lint/examples.ts';
import type { Rule } from '../../src/lint/rule.ts';
import { LINT_RULES } from '../../src/lint/rules/index.ts';
import type { Unchecked } from './unchecked-rules.ts';
import { UNCHECKED_PARTS, UNCHECKED_RULES } from './unchecked-rules.ts';
import { code, head, table } from './markdown.ts';

const FAMILIES: readonly (readonly [letter: string, title: string])[] = [
  ['F', 'The file itself'],
  ['P', 'Syntax, types and keys'],
  ['G', 'Keys of the whole file'],
  ['R', 'Entries: url, token and other keys'],
  ['T', 'TLS'],
  ['X', 'Executors'],
  ['D', 'Docker'],
  ['C', 'The cache'],
  ['M', 'docker+machine'],
  ['A', 'Autoscalers'],
  ['K', 'Kubernetes'],
  ['S', 'custom and ssh'],
  ['H', 'The size of the host'],
  ['L', 'Files that are not checked'],
];

const PIPELINE = [
  'lint-runner-config:',
  '  image: node:24',
  '  script:',
  '    - git clone --depth 1 "$RUNNERWATCH_URL" /opt/runnerwatch',
  '    - (cd /opt/runnerwatch && npm ci && npm run build)',
  '    - node /opt/runnerwatch/dist/main.js lint config.toml --format codequality > gl-code-quality-report.json',
  '  artifacts:',
  '    when: always',
  '    reports:',
  '      codequality: gl-code-quality-report.json',
  '  rules:',
  '    - changes: [config.toml]',
];

export function lintPage(): string {
  return [
    ...head(
      'Lint',
      '`src/lint/rules/`, `src/config/runner/schema-constraints.ts` and `src/lint/examples/`',
    ),
    'The rules that `runnerwatch lint` checks in a `config.toml` of GitLab Runner. The daemon checks the file that the runner uses with the same rules. `runnerwatch explain P07` prints a rule.',
    '',
    '```text',
    'runnerwatch lint [PATH] [--format text|json|codequality] [--strict]    check a file; - is standard input',
    'runnerwatch lint [PATH] --fix                                          print the file with the certain corrections; the diff goes to standard error',
    'runnerwatch lint [PATH] --fix --write                                  replace the file, with a backup beside it',
    '```',
    '',
    'Exit codes: 0 no error, 1 at least one error (with `--strict` also for a warning), 2 for a file that cannot be read or checked.',
    'For the file that a runner on this host uses, the rules also read the files that it names, the runner process and the size of the host. For any other file they read the text only, and the report lists the rules that were not checked.',
    'Everything in a line that may be a secret is masked. A correction never changes a token.',
    '',
    ...table(
      ['effect', 'meaning'],
      Object.entries(EFFECT_TEXTS).map(([effect, text]) => [code(effect), text]),
    ),
    '## In a pipeline',
    '',
    'The merge request shows the findings beside their lines:',
    '',
    '```yaml',
    ...PIPELINE,
    '```',
    '',
    '## All rules',
    '',
    ...table(
      ['rule', 'name', 'severity', 'effect', 'summary'],
      LINT_RULES.map(({ code: id, name, severity, effect, title }) => [
        `[${id}](#${id.toLowerCase()}-${name})`,
        code(name),
        severity,
        effect === undefined ? '' : code(effect),
        title,
      ]),
    ),
    '## What is not checked',
    '',
    ...uncheckedList(UNCHECKED_RULES),
    'Parts of rules that need more than the file, its host and the runner process:',
    '',
    ...uncheckedList(UNCHECKED_PARTS),
    ...FAMILIES.flatMap(([letter, title]) => [
      `## ${title}`,
      '',
      ...LINT_RULES.filter((rule) => rule.code.startsWith(letter)).flatMap((rule) => section(rule)),
    ]),
  ].join('\n');
}

function uncheckedList(list: readonly Unchecked[]): readonly string[] {
  return [...list.map(({ code: id, what, because }) => `- ${id}, ${what}: ${because}.`), ''];
}

function section(rule: Rule): readonly string[] {
  const { code: id, name, title, severity, effect, consequence, fix } = rule;
  const { bad, good } = examplesOf(id);
  const needs = needsText(rule);
  const stops = effect === undefined ? '' : `, ${code(effect)}`;
  return [
    `### ${id} ${name}`,
    '',
    `**${title}** (${severity}${stops}). ${consequence}`,
    '',
    '```toml',
    '# instead of',
    bad,
    '# write',
    good,
    '```',
    '',
    needs === '' ? fix : `${fix} Also reads ${needs}.`,
    '',
  ];
}
