/** The tables of an entry's executor, and the directories of its jobs (docs/reference/runner-config.md#executors). */
import {
  DOCKER_EXECUTORS,
  MACHINE_EXECUTORS,
  REQUIRED_TABLES,
} from '../../config/runner/executors.ts';
import type { FileFact, LintContext } from '../context.ts';
import { flagValue } from '../../core/flag-value.ts';
import type { User } from '../../host/fs/rights.ts';
import { asRunnerSees, isAllowed, isThere, mountOptions } from '../named-files.ts';
import type { Section } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { perEntry, perEntryOf } from '../rule.ts';
import { entryAt, filledAt, tableAt, textAt, textsAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atTable, atValue } from '../violation.ts';

export const EXECUTOR_RULES: readonly Rule[] = [
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
          atTable(table, `${label} has executor ${executor} and no [runners.${name}]`, {
            key: `runners.${name}`,
            corrected: `[runners.${name}]`,
            effect: MACHINE_EXECUTORS.includes(executor) && name !== 'docker' ? 'offline' : 'jobs',
          }),
        ),
    ),
  },
  {
    code: 'X04',
    name: 'builds-folder-unusable',
    severity: 'error',
    effect: 'jobs',
    title: 'The builds directory of the shell executor is unusable',
    consequence: 'Every job fails when it prepares its files.',
    fix: 'Make the user of the jobs the owner of the directory, on a file system that is mounted without noexec.',
    needs: ['files', 'process'],
    check: perEntryOf(['shell'], buildsFolder),
  },
  {
    code: 'X05',
    name: 'jobs-as-root',
    severity: 'warning',
    title: 'Jobs of the shell executor run as root',
    consequence: 'Everyone who can edit a pipeline has root access to this host.',
    fix: 'Install the service with a user: `gitlab-runner install --user gitlab-runner`.',
    needs: ['process'],
    check: perEntryOf(['shell'], ({ table, label }, { process }) => {
      if (process?.uid !== 0) return [];
      const user = flagValue(process.arguments, '--user', '-u');
      if (user !== undefined && user !== 'root') return [];
      const found = textAt(table, 'executor');
      return found === undefined
        ? []
        : [atValue(found.entry, `the jobs of ${label} run as root`, { key: 'runners.executor' })];
    }),
  },
  {
    code: 'X07',
    name: 'cache-folder-not-mounted',
    severity: 'warning',
    title: '`cache_dir` is not on a volume',
    consequence: 'The cache is removed with the container of each job.',
    fix: 'Add it to `volumes` of [runners.docker].',
    check: perEntryOf(DOCKER_EXECUTORS, ({ table }) => {
      const found = filledAt(table, 'cache_dir');
      if (found === undefined || tableAt(table, 'docker') === undefined) return [];
      const mounted = textsAt(table, 'docker', 'volumes').flatMap(({ text }) =>
        text.split(':').slice(0, 2),
      );
      const isMounted = mounted.some(
        (path) => path !== '' && `${found.value}/`.startsWith(`${path.replace(/\/+$/, '')}/`),
      );
      if (isMounted) return [];
      return [
        atValue(found.entry, 'cache_dir is on no volume of [runners.docker]', {
          key: 'runners.cache_dir',
          corrected: 'volumes = ["/cache"] and cache_dir = "/cache"',
        }),
      ];
    }),
  },
];

/** The user that the runner starts jobs as, from /etc/passwd. */
function jobUser({
  process,
  files,
}: LintContext): (User & { readonly name: string }) | 'absent' | undefined {
  if (process === undefined) return undefined;
  const name = flagValue(process.arguments, '--user', '-u');
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
  const why = buildsFolderFault(path, user, found !== undefined, context);
  if (why === undefined) return [];
  const message = why.replace('ENTRY', section.label);
  const more = { key: 'runners.builds_dir' };
  return [
    found === undefined
      ? atTable(section.table, message, more)
      : atValue(found.entry, message, more),
  ];
}

/** With ENTRY for the name of the entry. */
function buildsFolderFault(
  path: string,
  user: Exclude<ReturnType<typeof jobUser>, undefined>,
  isNamed: boolean,
  context: LintContext,
): string | undefined {
  if (user === 'absent') return 'the user of the jobs of ENTRY does not exist';
  const fact = context.files?.stat(path);
  const why = fact === undefined ? undefined : folderFault(fact, user, isNamed);
  if (why !== undefined) return `the builds directory of ENTRY ${why}`;
  return mountOptions(path, context).includes('noexec')
    ? 'the builds directory of ENTRY is on a file system mounted with noexec'
    : undefined;
}

function folderFault(
  fact: FileFact,
  user: User & { readonly name: string },
  isNamed: boolean,
): string | undefined {
  if (fact.kind === 'unknown') return undefined;
  // The runner creates the directory below its working directory itself.
  if (fact.kind === 'missing') return isNamed ? 'does not exist' : undefined;
  if (fact.kind !== 'directory') return 'is not a directory';
  return isAllowed(fact, user, 'write') === false ? `is not writable for ${user.name}` : undefined;
}
