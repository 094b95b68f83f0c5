/** Files and hosts that the tables of the other executors name. */
import { AUTOSCALED_EXECUTORS } from '../../config/runner/executors.ts';
import type { TomlTable } from '../../config/runner/toml-tree.ts';
import { extendRule } from '../constraint-rules.ts';
import type { FileFact, LintContext } from '../context.ts';
import { accessFaultOf } from '../named-files.ts';
import type { Rule } from '../rule.ts';
import { perEntryOf } from '../rule.ts';
import { filledAt, flagAt, tableAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atValue } from '../violation.ts';

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
        const why = accessFaultOf(found, context);
        const key = `runners.autoscaler.${name}`;
        return found === undefined || why === undefined
          ? []
          : [atValue(found.entry, `${found.entry.key} ${why}`, { key })];
      });
    }),
  }),
  extendRule('S02', {
    needs: ['files'],
    check: perEntryOf(['custom'], ({ table }, context) => {
      const found = filledAt(table, 'custom', 'run_exec');
      const fact = found === undefined ? undefined : context.files?.stat(found.value);
      const why = fact === undefined ? undefined : programFault(fact);
      if (found === undefined || !found.value.startsWith('/') || why === undefined) return [];
      return [atValue(found.entry, `run_exec ${why}`, { key: 'runners.custom.run_exec' })];
    }),
  }),
  extendRule('S03', {
    needs: ['files'],
    check: perEntryOf(['ssh', 'virtualbox', 'parallels'], ({ table }, context) => {
      const ssh = tableAt(table, 'ssh')?.value;
      return ssh === undefined ? [] : sshFiles(ssh, context);
    }),
  }),
];

function programFault(fact: FileFact): string | undefined {
  if (fact.kind === 'unknown') return undefined;
  if (fact.kind === 'missing') return 'does not exist';
  const isProgram = fact.kind === 'file' && (fact.mode & 0o111) !== 0;
  return isProgram ? undefined : 'is not executable';
}

function sshFiles(ssh: TomlTable, context: LintContext): readonly Violation[] {
  const isLoose = flagAt(ssh, 'disable_strict_host_key_checking')?.value === true;
  return ['identity_file', ...(isLoose ? [] : ['known_hosts_file'])].flatMap((name) => {
    const found = filledAt(ssh, name);
    const why = accessFaultOf(found, context);
    return found === undefined || why === undefined
      ? []
      : [atValue(found.entry, `${name} ${why}`, { key: `runners.ssh.${name}` })];
  });
}
