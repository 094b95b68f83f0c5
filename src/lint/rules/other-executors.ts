/** Files and hosts that the tables of the other executors name. */
import { AUTOSCALED_EXECUTORS } from '../../config/runner/executors.ts';
import type { TomlTable } from '../../config/runner/toml-tree.ts';
import { extendRule } from '../constraint-rules.ts';
import type { LintContext } from '../context.ts';
import { unreadable } from '../named-files.ts';
import type { Section } from '../parsed-config.ts';
import type { Rule } from '../rule.ts';
import { perEntryOf } from '../rule.ts';
import { filledAt, flagAt, tableAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atTable, atValue } from '../violation.ts';

export const OTHER_EXECUTOR_RULES: readonly Rule[] = [
  extendRule('A01', {
    needs: ['files'],
    check: perEntryOf(AUTOSCALED_EXECUTORS, ({ table }, context) => {
      const plugin = filledAt(table, 'autoscaler', 'plugin');
      const keyFile = filledAt(table, 'autoscaler', 'connector_config', 'key_path');
      // A plugin without a path is looked up where it was installed.
      const program = plugin?.value.startsWith('/') === true ? plugin : undefined;
      return [
        { found: program, name: 'plugin' },
        { found: keyFile, name: 'connector_config.key_path' },
      ].flatMap(({ found, name }) => {
        const why = unreadable(found, context);
        const key = `runners.autoscaler.${name}`;
        return found === undefined || why === undefined
          ? []
          : [atValue(found.entry, `${found.entry.key} ${why}`, { key })];
      });
    }),
  }),
  {
    code: 'S02',
    name: 'custom-program-unusable',
    severity: 'error',
    effect: 'jobs',
    title: '`run_exec` of the custom executor is missing, or not an executable file',
    consequence: 'Every job fails.',
    fix: 'Write the absolute path of a program that the runner may execute.',
    needs: ['files'],
    check: perEntryOf(['custom'], customProgram),
  },
  {
    code: 'S03',
    name: 'ssh-cannot-connect',
    severity: 'error',
    effect: 'jobs',
    title: 'The ssh executor has no `host`, or its files are missing',
    consequence: 'Every job fails; without `host` the runner connects to this host itself.',
    fix: 'Set `host`, a readable `identity_file` and an existing `known_hosts_file`.',
    needs: ['files'],
    check: perEntryOf(['ssh', 'virtualbox', 'parallels'], ({ table, executor }, context) => {
      const ssh = tableAt(table, 'ssh')?.value;
      if (ssh === undefined) return [];
      return [...(executor === 'ssh' ? noHost(ssh) : []), ...sshFiles(ssh, context)];
    }),
  },
];

function customProgram({ table }: Section, context: LintContext): readonly Violation[] {
  const custom = tableAt(table, 'custom')?.value;
  const found = filledAt(table, 'custom', 'run_exec');
  const key = 'runners.custom.run_exec';
  if (custom === undefined) return [];
  if (found === undefined) {
    const more = { key, corrected: 'run_exec = "/opt/ci/run.sh"' };
    return [atTable(custom, 'run_exec is missing', more)];
  }
  if (!found.value.startsWith('/'))
    return [atValue(found.entry, 'run_exec is not an absolute path', { key })];
  const fact = context.files?.stat(found.value);
  if (fact === undefined || fact.kind === 'unknown') return [];
  if (fact.kind === 'missing') return [atValue(found.entry, 'run_exec does not exist', { key })];
  const isProgram = fact.kind === 'file' && (fact.mode & 0o111) !== 0;
  return isProgram ? [] : [atValue(found.entry, 'run_exec is not executable', { key })];
}

function noHost(ssh: TomlTable): readonly Violation[] {
  if (filledAt(ssh, 'host') !== undefined) return [];
  const more = { key: 'runners.ssh.host', corrected: 'host = "HOST"' };
  return [atTable(ssh, 'host is missing, so that the runner connects to this host', more)];
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
