/** docs/alerts.md: every alert and recording rule as shipped, and the runbook of the alerts that are not a cause. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parse } from 'yaml';

import { code, head, table } from './markdown.ts';

const RULES = join(import.meta.dirname, '../../deploy/prometheus/rules');

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}
interface Recording {
  readonly record: string;
}
interface RuleFile {
  readonly groups: readonly { readonly rules: readonly (Alert | Recording)[] }[];
}

/** What a recorded series holds; one that is not described here stops `npm run docs`. */
const RECORDED: Readonly<Record<string, string>> = {
  'instance_cause_target:runnerwatch_root_cause:repeated':
    'Confirmed causes of each host, with the URL, the proxy and the name servers of its path.',
  'instance_cause_target:runnerwatch_root_cause:confirmed':
    'The same; what leaves no entry of a host working is critical, whatever its severity.',
  'job_url:runnerwatch_root_cause:hosts': 'Hosts that have a cause at this GitLab.',
  'job_url:runnerwatch_root_cause:ratio': 'The same as a share of all hosts that use this GitLab.',
  'cause_target:runnerwatch_root_cause:ratio':
    'Of the hosts that use a proxy or name servers, the share with a cause there; from three hosts on.',
  'site_cause_target:runnerwatch_root_cause:ratio':
    'Of the hosts of a site, the share with the same cause; from three hosts on.',
  'resolver_cause_target:runnerwatch_root_cause:ratio':
    'Of the hosts that ask the same name servers, the share with the same cause; from three hosts on.',
  'proxy_cause_target:runnerwatch_root_cause:ratio':
    'Of the hosts behind the same proxy, the share with the same cause; from three hosts on.',
  'instance_cause_target:runnerwatch_root_cause:gitlab_side':
    'Confirmed causes that four of five hosts of this GitLab share.',
  'instance_cause_target:runnerwatch_root_cause:site_side':
    'Confirmed causes that four of five hosts share which have something in common; `via` says what.',
  'instance_cause_target:runnerwatch_root_cause:host_side': 'All other confirmed causes.',
  'instance_target:runnerwatch_disk:time_to_full_seconds':
    'Time until a file system is full at the rate of the last hour; absent while usage does not grow.',
  'job_verdict:runnerwatch_verdict:hosts': 'Hosts in each verdict.',
};

export function alertsPage(): string {
  const rules = readdirSync(RULES).flatMap((name) => {
    const { groups } = parse(readFileSync(join(RULES, name), 'utf8')) as RuleFile;
    return groups.flatMap(({ rules: own }) => own);
  });
  const alerts = rules.filter((rule) => 'alert' in rule);
  return [
    ...head('Alerts', '`deploy/prometheus/rules/`'),
    'The alerts page on the symptom, a host that cannot fetch or report jobs, and name the cause. A cause that is only',
    'suspected does not page. [fleet.md](fleet.md) describes the installation; replace names in capitals by your values.',
    '',
    ...table(
      ['alert', 'severity', 'after', 'what it says'],
      alerts.map(({ alert, labels, annotations, for: after }) => [
        `[${code(alert)}](#${alert.toLowerCase()})`,
        labels.severity,
        after ?? 'at once',
        plain(annotations.summary),
      ]),
    ),
    ...[...Map.groupBy(alerts, ({ alert }) => alert).values()].flatMap(section),
    '## Recorded series',
    '',
    ...table(['series', 'meaning'], rules.flatMap(recordedRow)),
  ].join('\n');
}

function section(alerts: readonly Alert[]): readonly string[] {
  const [first] = alerts;
  if (first === undefined) return [];
  return [
    `## ${first.alert}`,
    '',
    plain(first.annotations.summary),
    '',
    `> ${plain(first.annotations.description)}`,
    '',
    ...alerts.flatMap(({ expr, for: after, labels }) => [
      `${labels.severity}, ${after === undefined ? 'at once' : `after ${after}`}:`,
      '',
      '```promql',
      expr.trimEnd(),
      '```',
      '',
    ]),
  ];
}

function recordedRow(rule: Alert | Recording): readonly (readonly string[])[] {
  if (!('record' in rule)) return [];
  const meaning = RECORDED[rule.record];
  if (meaning === undefined)
    throw new Error(`tools/docs/alerts-page.ts does not know ${rule.record}`);
  return [[code(rule.record), meaning]];
}

/** A template with its values as placeholders in capitals; of two branches the first. */
function plain(template: string): string {
  return template
    .replaceAll(/\{\{ else(?: if)? .*?(?=\{\{ end \}\})|\{\{ else \}\}.*?(?=\{\{ end \}\})/g, '')
    .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => label.toUpperCase())
    .replaceAll(/\{\{ [^{}]*\.Labels\.(\w+) \}\}/g, (_, label: string) => label.toUpperCase())
    .replaceAll(/\{\{ (?:\$value|\. \| first \| value).*?\}\}/g, 'VALUE')
    .replaceAll(/\{\{.*?\}\}/g, '')
    .replaceAll(/\s+/g, ' ');
}
