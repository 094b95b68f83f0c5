/** docs/metrics.md: every metric with labels and meaning, from the tables that the exporter renders. */
import { COUNTER_FAMILIES, PREFIX } from '../../src/metrics/exporter.ts';
import { FAMILIES } from '../../src/metrics/families.ts';
import { measureFamilies } from '../../src/metrics/measures.ts';
import { OWN_PROCESS_FAMILIES } from '../../src/metrics/own-process.ts';
import type { Probe } from '../../src/core/probe.ts';
import { code, head, table } from './markdown.ts';

type Row = readonly [name: string, kind: string, labels: readonly string[], help: string];

export function metricsPage(probes: readonly Probe[]): string {
  const own = [...FAMILIES, ...measureFamilies(probes)].map(({ name, kind, labels, help }): Row => [
    `${PREFIX}${name}`,
    kind,
    labels,
    help,
  ]);
  const { durations, reasons } = COUNTER_FAMILIES;
  const counted: readonly Row[] = [
    [`${PREFIX}${durations.name}`, 'histogram', durations.labels, durations.help],
    [`${PREFIX}${reasons.name}`, 'counter', reasons.labels, reasons.help],
  ];
  const process = OWN_PROCESS_FAMILIES.map(({ name, kind, labels, help }): Row => [
    name,
    kind,
    labels,
    help,
  ]);
  return [
    ...head('Metrics', '`src/metrics/` and the measures of `src/probes/`'),
    'Prometheus text 0.0.4 on `/metrics`; OpenMetrics 1.0 if `Accept` asks for it. The series of an entry disappear with the entry.',
    'An unknown number is absent, never zero.',
    '',
    'The root cause of every host that has one, in one query:',
    '',
    '```promql',
    `${PREFIX}root_cause_info * on (job, instance, cause, target) group_left () ${PREFIX}root_cause_confirmed == 1`,
    '```',
    '',
    ...table(
      ['metric', 'type', 'labels', 'meaning'],
      [...own, ...counted, ...process].map(([name, kind, labels, help]) => [
        code(name),
        kind,
        labels.map(code).join(', '),
        help,
      ]),
    ),
  ].join('\n');
}
