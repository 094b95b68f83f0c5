/** The executor of an entry, its tables and its shell: docs/reference/runner-config.md#executors. */
import { findNearest } from '../../core/nearest.ts';
import type { FileFact, LintContext } from '../context.ts';
import { argumentOf } from '../context.ts';
import { ASKS_FIRST, DOCKER_EXECUTORS, REQUIRED_TABLES, SHELLS } from '../executors.ts';
import type { User } from '../named-files.ts';
import { asRunnerSees, isAllowed, isThere, mountOptions } from '../named-files.ts';
import type { Section } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { perEntry, perEntryOf } from '../rule.ts';
import { entryAt, filledAt, tableAt, textAt, textsAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atTable, atValue, rewritten, shown } from '../violation.ts';

const NAMES = [...REQUIRED_TABLES.keys()];

export const EXECUTOR_RULES: readonly Rule[] = [
  {
    code: 'X01',
    name: 'executor-unknown',
    severity: 'error',
    effect: 'offline',
    title: 'There is no such executor',
    consequence: 'The runner never asks GitLab for this entry, and disables it after three tries.',
    fix: `Write one of ${NAMES.join(', ')}.`,
    check: perEntry(({ table, label }) => {
      const found = textAt(table, 'executor');
      const key = 'runners.executor';
      if (found === undefined) {
        return entryAt(table, 'executor') === undefined
          ? [atTable(table, `${label} has no executor`, { key })]
          : [];
      }
      if (NAMES.includes(found.value)) return [];
      const same = NAMES.find((name) => name === found.value.trim().toLowerCase());
      const near = same ?? findNearest(found.value.toLowerCase(), NAMES);
      const { corrected, edits = [] } = near === undefined ? {} : rewritten(found.entry, near);
      const message =
        found.value === ''
          ? `the executor of ${label} is empty`
          : `the executor ${shown('executor', found.value)} of ${label} does not exist`;
      return [
        atValue(found.entry, message, {
          key,
          ...(corrected === undefined ? {} : { corrected }),
          ...(same === undefined ? {} : { edits }),
        }),
      ];
    }),
  },
  {
    code: 'X02',
    name: 'executor-table-missing',
    severity: 'error',
    effect: 'jobs',
    title: 'The table of the executor is missing',
    consequence:
      'Every job fails at once; with an autoscaling executor the entry does not even ask for jobs.',
    fix: 'Add the table below the entry, before the next [[runners]].',
    check: perEntry(({ table, executor, label }) =>
      (REQUIRED_TABLES.get(executor) ?? [])
        .filter((name) => entryAt(table, name) === undefined)
        .map((name) =>
          atTable(table, `${label} has the executor ${executor} and no [runners.${name}]`, {
            key: `runners.${name}`,
            corrected: `[runners.${name}]`,
            effect: ASKS_FIRST.includes(executor) && name !== 'docker' ? 'offline' : 'jobs',
          }),
        ),
    ),
  },
  {
    code: 'X03',
    name: 'shell-unknown',
    severity: 'error',
    effect: 'jobs',
    title: 'There is no such shell',
    consequence: 'Every job fails: shell not found.',
    fix: `Write one of ${SHELLS.join(', ')}, or remove the line.`,
    check: perEntry(({ table }) => {
      const found = filledAt(table, 'shell');
      if (found === undefined || SHELLS.includes(found.value)) return [];
      const near =
        found.value === 'cmd' ? 'powershell' : findNearest(found.value.toLowerCase(), SHELLS);
      const more = near === undefined ? {} : { corrected: `shell = "${near}"` };
      return [
        atValue(found.entry, `the shell ${shown('shell', found.value)} does not exist`, {
          key: 'runners.shell',
          ...more,
        }),
      ];
    }),
  },
  {
    code: 'X04',
    name: 'builds-folder-unusable',
    severity: 'error',
    effect: 'jobs',
    title: 'Jobs of the shell executor cannot work in their folder',
    consequence: 'Every job fails when it prepares its files.',
    fix: 'Give the folder to the user of the jobs, on a file system that lets programs run.',
    needs: ['files', 'process'],
    check: perEntryOf(['shell'], (section, context) => buildsFolder(section, context)),
  },
  {
    code: 'X05',
    name: 'jobs-as-root',
    severity: 'warning',
    title: 'Jobs of the shell executor run as root',
    consequence: 'Whoever may change a pipeline owns this host.',
    fix: 'Install the service with a user: `gitlab-runner install --user gitlab-runner`.',
    needs: ['process'],
    check: perEntryOf(['shell'], ({ table, label }, { process }) => {
      if (process?.uid !== 0) return [];
      const user = argumentOf(process, '--user', '-u');
      if (user !== undefined && user !== 'root') return [];
      const found = textAt(table, 'executor');
      return found === undefined
        ? []
        : [atValue(found.entry, `the jobs of ${label} run as root`, { key: 'runners.executor' })];
    }),
  },
  {
    code: 'X06',
    name: 'builds-folder-in-container',
    severity: 'error',
    effect: 'jobs',
    title: '`builds_dir` in a container is relative, or the root',
    consequence: 'Every job fails as wrongly configured.',
    fix: 'Write a whole path, such as /builds, or remove the line.',
    check: perEntryOf(DOCKER_EXECUTORS, ({ table, executor }) => {
      const found = filledAt(table, 'builds_dir');
      if (found === undefined || executor === 'docker-windows') return [];
      const isRoot = /^\/+$/.test(found.value);
      if (found.value.startsWith('/') && !isRoot) return [];
      return [
        atValue(
          found.entry,
          isRoot ? 'builds_dir is the root of the container' : 'builds_dir is relative',
          { key: 'runners.builds_dir', corrected: 'builds_dir = "/builds"' },
        ),
      ];
    }),
  },
  {
    code: 'X07',
    name: 'cache-folder-not-mounted',
    severity: 'warning',
    title: '`cache_dir` is in no volume',
    consequence: 'The cache goes away with the container of each job.',
    fix: 'Add it to `volumes` of [runners.docker].',
    check: perEntryOf(DOCKER_EXECUTORS, ({ table }) => {
      const found = filledAt(table, 'cache_dir');
      if (found === undefined || tableAt(table, 'docker') === undefined) return [];
      const mounted = textsAt(table, 'docker', 'volumes').flatMap(({ text }) =>
        text.split(':').slice(0, 2),
      );
      if (
        mounted.some(
          (path) => path !== '' && `${found.value}/`.startsWith(`${path.replace(/\/+$/, '')}/`),
        )
      )
        return [];
      return [
        atValue(found.entry, 'cache_dir is in no volume of [runners.docker]', {
          key: 'runners.cache_dir',
          corrected: 'volumes = ["/cache"] and cache_dir = "/cache"',
        }),
      ];
    }),
  },
];

/** The user that `su` starts jobs as, out of /etc/passwd. */
function jobUser({
  process,
  files,
}: LintContext): (User & { readonly name: string }) | 'absent' | undefined {
  if (process === undefined) return undefined;
  const name = argumentOf(process, '--user', '-u');
  if (name === undefined || process.uid !== 0) return { ...process, name: `uid ${process.uid}` };
  const passwd = files?.read('/etc/passwd');
  const text = isThere(passwd) ? passwd.content : undefined;
  if (text === undefined) return undefined;
  const line = text.split('\n').find((one) => one.startsWith(`${name}:`));
  return line === undefined ? 'absent' : { uid: Number(line.split(':')[2]), name };
}

function buildsFolder(section: Section, context: LintContext): readonly Violation[] {
  const found = filledAt(section.table, 'builds_dir');
  const path = asRunnerSees(found?.value ?? 'builds', context);
  const user = jobUser(context);
  if (path === undefined || user === undefined) return [];
  const say = (message: string): readonly Violation[] => [
    found === undefined
      ? atTable(section.table, message, { key: 'runners.builds_dir' })
      : atValue(found.entry, message, { key: 'runners.builds_dir' }),
  ];
  if (user === 'absent')
    return say(`the user that jobs of ${section.label} are to run as does not exist`);
  const fact = context.files?.stat(path);
  const why = fact === undefined ? undefined : unusable(fact, user, found !== undefined);
  if (why !== undefined)
    return say(`the builds folder of ${section.label} ${why.replace('USER', user.name)}`);
  return mountOptions(path, context).includes('noexec')
    ? say(`the builds folder of ${section.label} is on a file system without programs (noexec)`)
    : [];
}

function unusable(fact: FileFact, who: User, isNamed: boolean): string | undefined {
  if (fact.kind === 'unknown') return undefined;
  // The runner makes the folder below its working directory by itself.
  if (fact.kind === 'missing') return isNamed ? 'does not exist' : undefined;
  if (fact.kind !== 'directory') return 'is no folder';
  return isAllowed(fact, who, 2) === false ? 'cannot be written by USER' : undefined;
}
