/** The tables of the other executors: machine, autoscaler, kubernetes, custom, ssh. */
import type { TomlTable } from '../../config/runner/toml-tree.ts';
import { tablesOf } from '../../config/runner/toml-tree.ts';
import type { LintContext } from '../context.ts';
import { unreadable } from '../named-files.ts';
import type { Rule } from '../rule.ts';
import { perEntry, perEntryOf } from '../rule.ts';
import { entryAt, filledAt, flagAt, tableAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atTable, atValue } from '../violation.ts';

const NFS = ['name', 'mount_path', 'server', 'path'];

export const OTHER_EXECUTOR_RULES: readonly Rule[] = [
  {
    code: 'K01',
    name: 'nfs-volume-incomplete',
    severity: 'error',
    effect: 'start',
    title: 'A volume of NFS lacks what it cannot do without',
    consequence: 'The runner refuses the file.',
    fix: `Write ${NFS.join(', ')} in each [[runners.kubernetes.volumes.nfs]].`,
    check: perEntry(({ table }) =>
      tablesOf(entryAt(table, 'kubernetes', 'volumes', 'nfs')?.value).flatMap((volume) => {
        const missing = NFS.filter((name) => filledAt(volume, name) === undefined);
        return missing.length === 0
          ? []
          : [
              atTable(volume, `a volume of NFS has no ${missing.join(', no ')}`, {
                key: 'runners.kubernetes.volumes.nfs',
              }),
            ];
      }),
    ),
  },
  {
    code: 'S02',
    name: 'custom-program-unusable',
    severity: 'error',
    effect: 'jobs',
    title: '`run_exec` of the custom executor is missing, or no program',
    consequence: 'Every job fails.',
    fix: 'Write the whole path of a program that the runner may start.',
    needs: ['files'],
    check: perEntryOf(['custom'], ({ table }, context) => {
      const custom = tableAt(table, 'custom')?.value;
      const found = filledAt(table, 'custom', 'run_exec');
      const key = 'runners.custom.run_exec';
      if (custom === undefined) return [];
      if (found === undefined)
        return [
          atTable(custom, 'run_exec is missing', { key, corrected: 'run_exec = "/opt/ci/run.sh"' }),
        ];
      if (!found.value.startsWith('/'))
        return [atValue(found.entry, 'run_exec is no whole path', { key })];
      const fact = context.files?.stat(found.value);
      if (fact === undefined || fact.kind === 'unknown') return [];
      const isProgram = fact.kind === 'file' && (fact.mode & 0o111) !== 0;
      return isProgram
        ? []
        : [
            atValue(
              found.entry,
              fact.kind === 'missing' ? 'run_exec does not exist' : 'run_exec is no program',
              { key },
            ),
          ];
    }),
  },
  {
    code: 'S03',
    name: 'ssh-cannot-connect',
    severity: 'error',
    effect: 'jobs',
    title: 'The ssh executor cannot connect, or connects to this host',
    consequence: 'Every job fails; without a `host` it runs on this machine, as root.',
    fix: 'Set `host`, a readable `identity_file` and a `known_hosts_file` that is there.',
    needs: ['files'],
    check: perEntryOf(['ssh', 'virtualbox', 'parallels'], ({ table, executor }, context) => {
      const ssh = tableAt(table, 'ssh')?.value;
      if (ssh === undefined) return [];
      return [...(executor === 'ssh' ? noHost(ssh) : []), ...sshFiles(ssh, context)];
    }),
  },
];

function noHost(ssh: TomlTable): readonly Violation[] {
  if (filledAt(ssh, 'host') !== undefined) return [];
  return [
    atTable(ssh, 'host is missing, and this host is meant then', {
      key: 'runners.ssh.host',
      corrected: 'host = "HOST"',
    }),
  ];
}

function sshFiles(ssh: TomlTable, context: LintContext): readonly Violation[] {
  const isLoose = flagAt(ssh, 'disable_strict_host_key_checking')?.value === true;
  return ['identity_file', ...(isLoose ? [] : ['known_hosts_file'])].flatMap((name) => {
    const found = filledAt(ssh, name);
    const why = unreadable(found, context);
    return found === undefined || why === undefined
      ? []
      : [atValue(found.entry, `${name} ${why}`, { key: `runners.ssh.${name}` })];
  });
}
