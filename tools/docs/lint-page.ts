/** docs/lint.md: every rule, from the registry that the linter itself asks. */
import { EFFECT_TEXTS, needsText } from '../../src/lint/rule-page.ts';
import { examplesOf } from '../../src/lint/examples.ts';
import type { Rule } from '../../src/lint/rule.ts';
import type { NotJudged } from '../../src/lint/rules/index.ts';
import { IN_PART, LEFT_OUT, LINT_RULES } from '../../src/lint/rules/index.ts';
import { code, head, table } from './markdown.ts';

const FAMILIES: readonly (readonly [letter: string, title: string])[] = [
  ['F', 'The file itself'],
  ['P', 'Syntax, types and keys'],
  ['G', 'The whole file'],
  ['R', 'Entries: url, token, and the rest'],
  ['T', 'Trust'],
  ['X', 'Executors'],
  ['D', 'Docker'],
  ['C', 'The cache'],
  ['M', 'docker+machine'],
  ['A', 'Autoscalers'],
  ['K', 'Kubernetes'],
  ['S', 'custom and ssh'],
  ['H', 'The size of the host'],
  ['L', 'What is not judged'],
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
    ...head('Lint', '`src/lint/rules/`'),
    'What `runnerwatch lint` says of the runner’s `config.toml`, and what the daemon says of the live one. `runnerwatch explain P07` prints a rule.',
    '',
    '```text',
    'runnerwatch lint [PATH] [--format text|json|codequality] [--strict]    judge a file, - is standard input',
    'runnerwatch lint [PATH] --fix                                          print it with what is certain corrected; the diff goes to standard error',
    'runnerwatch lint [PATH] --fix --write                                  write it into its place, with a backup beside it',
    '```',
    '',
    'Exit codes: 0 no error, 1 at least one error (with `--strict` also for a warning), 2 for a file that cannot be read or judged.',
    'Of the file that a runner of this host uses, the files it names, the process and the host are looked at as well; of any other file the text alone, and the report says which rules had to be left out.',
    'Lines are shown with everything masked that could be a secret. A correction never touches a token.',
    '',
    ...table(
      ['effect', 'meaning'],
      Object.entries(EFFECT_TEXTS).map(([effect, text]) => [code(effect), text]),
    ),
    '## In a pipeline',
    '',
    'Findings show up in the merge request, beside their lines:',
    '',
    '```yaml',
    ...PIPELINE,
    '```',
    '',
    '## All rules',
    '',
    ...table(
      ['rule', 'name', 'severity', 'effect', 'in one line'],
      LINT_RULES.map(({ code: id, name, severity, effect, title }) => [
        `[${id}](#${id.toLowerCase()}-${name})`,
        code(name),
        severity,
        effect === undefined ? '' : code(effect),
        title,
      ]),
    ),
    '## Rules that there are not',
    '',
    ...notJudged(LEFT_OUT),
    'And parts of rules that need more than a file, its host and its process:',
    '',
    ...notJudged(IN_PART),
    ...FAMILIES.flatMap(([letter, title]) => [
      `## ${title}`,
      '',
      ...LINT_RULES.filter((rule) => rule.code.startsWith(letter)).flatMap((rule) => section(rule)),
    ]),
  ].join('\n');
}

function notJudged(list: readonly NotJudged[]): readonly string[] {
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
    needs === '' ? fix : `${fix} Looks also at ${needs}.`,
    '',
  ];
}
