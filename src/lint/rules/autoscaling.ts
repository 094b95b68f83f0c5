/** Machines that come and go: [runners.machine] and [runners.autoscaler]. */
import type { TomlTable } from '../../config/runner/toml-tree.ts';
import { tablesOf } from '../../config/runner/toml-tree.ts';
import { unreadable } from '../named-files.ts';
import type { Rule } from '../rule.ts';
import { perEntry, perEntryOf } from '../rule.ts';
import { entryAt, filledAt, secondsOf, tableAt, textAt, textsAt } from '../values.ts';
import type { Violation } from '../violation.ts';
import { atItem, atKey, atTable, atValue } from '../violation.ts';

const AUTOSCALED = ['docker-autoscaler', 'instance'];
const OFF_PEAK = ['OffPeakPeriods', 'OffPeakTimezone', 'OffPeakIdleCount', 'OffPeakIdleTime'];

export const AUTOSCALING_RULES: readonly Rule[] = [
  {
    code: 'M01',
    name: 'machine-name-without-place',
    severity: 'error',
    effect: 'offline',
    title: '`MachineName` is empty, or has no %s',
    consequence: 'The entry makes no machine and never asks for a job.',
    fix: 'Write a name with %s, which becomes the number of the machine.',
    check: perEntryOf(['docker+machine'], ({ table }) => {
      const machine = tableAt(table, 'machine')?.value;
      const found = textAt(table, 'machine', 'MachineName');
      if (machine === undefined || found?.value.includes('%s') === true) return [];
      const more = { key: 'runners.machine.MachineName', corrected: 'MachineName = "ci-%s"' };
      const message = 'MachineName is empty, or has no %s';
      return [
        found === undefined ? atTable(machine, message, more) : atValue(found.entry, message, more),
      ];
    }),
  },
  {
    code: 'M02',
    name: 'machine-setting-refused',
    severity: 'error',
    effect: 'start',
    title: 'An option without %s, or a period, a time zone or an expression that cannot be read',
    consequence: 'The runner refuses the file.',
    fix: 'Give each MachineOptionsWithName a %s, periods the form of cron, and zones names such as Europe/Berlin.',
    check: perEntry(({ table }) => machineFaults(table)),
  },
  {
    code: 'M03',
    name: 'off-peak-removed',
    severity: 'warning',
    title: 'Keys of OffPeak are set',
    consequence: 'They have been ignored since 14.0.',
    fix: 'Write [[runners.machine.autoscaling]] with `Periods` instead.',
    check: perEntry(({ table }) =>
      OFF_PEAK.flatMap((name) => {
        const found = entryAt(table, 'machine', name);
        return found === undefined
          ? []
          : [
              atKey(found, `${name} was removed in 14.0`, {
                key: `runners.machine.${name}`,
                corrected: '[[runners.machine.autoscaling]]',
              }),
            ];
      }),
    ),
  },
  {
    code: 'A01',
    name: 'autoscaler-cannot-begin',
    severity: 'error',
    effect: 'offline',
    title: 'The plug-in of the autoscaler, or its key, is not there',
    consequence: 'The entry makes no machine and never asks for a job.',
    fix: 'Install the plug-in (`gitlab-runner fleeting install`), and let the runner read the key.',
    needs: ['files'],
    check: perEntryOf(AUTOSCALED, ({ table }, context) => {
      const scaler = tableAt(table, 'autoscaler')?.value;
      const plugin = filledAt(table, 'autoscaler', 'plugin');
      const keyFile = filledAt(table, 'autoscaler', 'connector_config', 'key_path');
      if (scaler === undefined) return [];
      const missing =
        plugin === undefined
          ? [atTable(scaler, 'the autoscaler has no plugin', { key: 'runners.autoscaler.plugin' })]
          : [];
      const gone = plugin?.value.startsWith('/') === true ? unreadable(plugin, context) : undefined;
      const locked = unreadable(keyFile, context);
      return [
        ...missing,
        ...(plugin === undefined || gone === undefined
          ? []
          : [atValue(plugin.entry, `plugin ${gone}`, { key: 'runners.autoscaler.plugin' })]),
        ...(keyFile === undefined || locked === undefined
          ? []
          : [
              atValue(keyFile.entry, `key_path ${locked}`, {
                key: 'runners.autoscaler.connector_config.key_path',
              }),
            ]),
      ];
    }),
  },
  {
    code: 'A02',
    name: 'idle-time-tiny',
    severity: 'warning',
    title: '`idle_time` is below a second',
    consequence:
      'Machines that wait for jobs are removed at once; the runner’s own check refuses the file.',
    fix: 'Write a text with a unit: "20m".',
    check: perEntry(({ table }) =>
      ['autoscaler', 'kubernetes'].flatMap((kind) => {
        const path =
          kind === 'kubernetes' ? ['kubernetes', 'autoscaler', 'policy'] : ['autoscaler', 'policy'];
        return tablesOf(entryAt(table, ...path)?.value).flatMap((policy) => {
          const found = entryAt(policy, 'idle_time');
          const seconds = secondsOf(found);
          if (found === undefined || seconds === undefined || seconds >= 1 || seconds === 0)
            return [];
          return [
            atValue(found, 'idle_time is below a second', {
              key: `runners.${path.join('.')}.idle_time`,
              corrected: 'idle_time = "20m"',
            }),
          ];
        });
      }),
    ),
  },
];

function machineFaults(table: TomlTable): readonly Violation[] {
  const key = 'runners.machine.MachineOptionsWithName';
  const options = textsAt(table, 'machine', 'MachineOptionsWithName')
    .filter(({ text }) => !text.includes('%s'))
    .map(({ value }) => atItem(value, 'an option of MachineOptionsWithName has no %s', { key }));
  const queues = tablesOf(entryAt(table, 'monitoring', 'job_queuing_durations')?.value);
  return [
    ...options,
    ...tablesOf(entryAt(table, 'machine', 'autoscaling')?.value).flatMap((one) =>
      timeFaults(one, 'runners.machine.autoscaling', ['Periods', 'Timezone']),
    ),
    ...queues.flatMap((one) => [
      ...timeFaults(one, 'runners.monitoring.job_queuing_durations', ['periods', 'timezone']),
      ...patternFaults(one),
    ]),
  ];
}

/** Periods and a time zone, which go by two spellings. */
function timeFaults(
  table: TomlTable,
  path: string,
  [periods, timezone]: readonly [string, string],
): readonly Violation[] {
  const zone = filledAt(table, timezone);
  return [
    ...textsAt(table, periods)
      .filter(({ text }) => !isPeriod(text))
      .map(({ value }) =>
        atItem(value, 'a period does not have the seven fields of cron', {
          key: `${path}.${periods}`,
          corrected: '"* * 9-17 * * mon-fri *"',
        }),
      ),
    ...(zone === undefined || isZone(zone.value)
      ? []
      : [
          atValue(zone.entry, 'there is no such time zone', {
            key: `${path}.${timezone}`,
            corrected: `${timezone} = "UTC"`,
          }),
        ]),
  ];
}

/** Go's expressions have no look-around; what this platform cannot read either is broken for certain. */
function patternFaults(table: TomlTable): readonly Violation[] {
  const found = filledAt(table, 'jobs_running_for_project');
  if (found === undefined || isGoPattern(found.value)) return [];
  const key = 'runners.monitoring.job_queuing_durations.jobs_running_for_project';
  return [atValue(found.entry, 'the expression for projects cannot be read', { key })];
}

function isGoPattern(text: string): boolean {
  if (/\(\?<?[=!]/.test(text)) return false;
  // Flags and classes that only Go has.
  if (/\(\?[a-zA-Z-]+[:)]|\[\[:/.test(text)) return true;
  try {
    return new RegExp(text.replaceAll('(?P<', '(?<')).source !== '';
  } catch {
    return false;
  }
}

/** Five to seven fields of cron, or a word such as @daily. */
function isPeriod(text: string): boolean {
  const fields = text.trim().split(/\s+/);
  return (
    text.startsWith('@') ||
    (fields.length >= 5 &&
      fields.length <= 7 &&
      fields.every((field) => /^[\w*,/?#-]+$/.test(field)))
  );
}

function isZone(text: string): boolean {
  if (text === 'Local') return true;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).format(0) !== '';
  } catch {
    return false;
  }
}
