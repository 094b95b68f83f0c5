/** Values of [runners.docker] that are refused for each job. */
import { redactName } from '../../config/runner/redact-value.ts';
import { tablesOf } from '../../config/runner/toml-tree.ts';
import type { LintContext } from '../context.ts';
import { DOCKER_CHECKS, isUlimit } from '../docker-values.ts';
import { asRunnerSees } from '../named-files.ts';
import type { Section } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { entryAt, filledAt, pairsAt, textsAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atItem, atKey, atTable, atValue, shown } from '../violation.ts';
import { docker, dockerKey as key } from './docker-table.ts';

const LOG_OPTIONS = ['env', 'labels'];

export const DOCKER_VALUE_RULES: readonly Rule[] = [
  {
    code: 'D16',
    name: 'docker-value-refused',
    severity: 'error',
    effect: 'jobs',
    title: 'A value of [runners.docker] is refused',
    consequence: 'Every job fails in its preparation.',
    fix: 'Correct the value as the message says.',
    needs: ['files'],
    check: docker((section, context) => [...refusedValues(section), ...seccomp(section, context)]),
  },
  {
    code: 'D17',
    name: 'service-without-name',
    severity: 'error',
    effect: 'jobs',
    title: 'A service has no name',
    consequence: 'Every job fails: invalid service image name.',
    fix: 'Write `name = "image:tag"`.',
    check: docker(({ table }) =>
      tablesOf(entryAt(table, 'docker', 'services')?.value).flatMap((service) =>
        filledAt(service, 'name') === undefined
          ? [
              atTable(service, 'a service has no name', {
                key: key('services'),
                corrected: 'name = "postgres:16"',
              }),
            ]
          : [],
      ),
    ),
  },
  {
    code: 'D18',
    name: 'helper-image-pinned',
    severity: 'warning',
    title: 'The helper image is pinned to a tag',
    consequence:
      'By itself the runner takes the helper of its own version; another one may not speak with it.',
    fix: 'Remove the line, or name the version by its variable: ${CI_RUNNER_VERSION}.',
    check: docker(({ table }) => {
      const found = filledAt(table, 'docker', 'helper_image');
      if (found === undefined || /\$\{?CI_RUNNER_/.test(found.value)) return [];
      return [
        atValue(found.entry, 'helper_image does not follow the version of the runner', {
          key: key('helper_image'),
        }),
      ];
    }),
  },
  {
    code: 'D21',
    name: 'user-not-allowed',
    severity: 'warning',
    title: '`user` is not among `allowed_users`',
    consequence: 'Every job fails.',
    fix: 'Add it to `allowed_users`.',
    check: docker(({ table }) => {
      const user = filledAt(table, 'docker', 'user');
      const allowed = textsAt(table, 'docker', 'allowed_users').map(({ text }) => text);
      if (user === undefined || allowed.length === 0 || allowed.includes(user.value)) return [];
      return [
        atValue(user.entry, `the user ${shown('user', user.value)} is not allowed`, {
          key: key('user'),
        }),
      ];
    }),
  },
];

function refusedValues({ table }: Section): readonly Violation[] {
  return [
    ...Object.entries(DOCKER_CHECKS).flatMap(([name, check]) =>
      textsAt(table, 'docker', name).flatMap(({ text, value }) => {
        const why = text === '' ? undefined : check(text);
        return why === undefined
          ? []
          : [atItem(value, `${name} ${shown(name, text)} ${why}`, { key: key(name) })];
      }),
    ),
    ...pairsAt(table, 'docker', 'ulimit').flatMap(({ name, text, entry }) =>
      isUlimit(text)
        ? []
        : [
            atValue(entry, `the limit "${redactName(name)}" is no number, nor two with a colon`, {
              key: key('ulimit'),
            }),
          ],
    ),
    ...pairsAt(table, 'docker', 'log_options').flatMap(({ name, entry }) =>
      LOG_OPTIONS.includes(name)
        ? []
        : [
            atKey(entry, `log_options takes env and labels, and not "${redactName(name)}"`, {
              key: key('log_options'),
            }),
          ],
    ),
  ];
}

/** `seccomp=FILE` must be there, and JSON. */
function seccomp({ table }: Section, context: LintContext): readonly Violation[] {
  return ['security_opt', 'services_security_opt'].flatMap((name) =>
    textsAt(table, 'docker', name).flatMap(({ text, value }) => {
      const file = /^seccomp[=:](?<file>.+)$/.exec(text)?.groups?.['file'];
      if (file === undefined || file === 'unconfined') return [];
      const path = asRunnerSees(file, context);
      const fact = path === undefined ? undefined : context.files?.read(path);
      if (fact === undefined || fact.kind === 'unknown') return [];
      if (fact.kind === 'missing')
        return [atItem(value, 'the seccomp profile does not exist', { key: key(name) })];
      return fact.content === undefined || isJson(fact.content)
        ? []
        : [atItem(value, 'the seccomp profile is not JSON', { key: key(name) })];
    }),
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
