/** The existing metrics and labels, and those that an expression, a template or a legend names. */
import { COUNTER_FAMILIES, PREFIX } from '../../src/metrics/exporter.ts';
import { FAMILIES } from '../../src/metrics/families.ts';
import { measureFamilies } from '../../src/metrics/measures.ts';
import { OWN_PROCESS_FAMILIES } from '../../src/metrics/own-process.ts';
import { ALL_PROBES } from '../../src/cli/all-probes.ts';

/** What Prometheus and the operator attach. */
export const TARGET_LABELS = ['job', 'instance', 'site'] as const;

/** Labels of each series of the exposition, by its name. */
export const EXPOSED: ReadonlyMap<string, readonly string[]> = new Map([
  ...[...FAMILIES, ...measureFamilies(ALL_PROBES)].map(
    ({ name, labels }): [string, readonly string[]] => [`${PREFIX}${name}`, labels],
  ),
  ...OWN_PROCESS_FAMILIES.map(({ name, labels }): [string, readonly string[]] => [name, labels]),
  [`${PREFIX}${COUNTER_FAMILIES.reasons.name}`, COUNTER_FAMILIES.reasons.labels],
  ...['bucket', 'sum', 'count'].map((part): [string, readonly string[]] => [
    `${PREFIX}${COUNTER_FAMILIES.durations.name}_${part}`,
    part === 'bucket'
      ? [...COUNTER_FAMILIES.durations.labels, 'le']
      : COUNTER_FAMILIES.durations.labels,
  ]),
]);

/** Names of metrics, those of recording rules included. */
export function metricsIn(expression: string): readonly string[] {
  return unique(removeTexts(expression).match(METRIC) ?? []);
}

const METRIC =
  /\b(?:[a-z_]+:)?(?:runnerwatch|process|nodejs)_[a-z_]+(?::[a-z_]+)?\b|\bALERTS\b|\bup\b/g;
const SELECTOR = /(?<metric>[a-zA-Z_:]+)\{(?<matchers>[^{}]*)\}/g;
const GROUPING = /\b(?:by|on|ignoring|without|group_left|group_right) ?\((?<labels>[^()]*)\)/g;

export interface Matcher {
  readonly metric: string;
  readonly label: string;
}

/** Labels that are selected from one metric: `metric{label="…"}`. */
export function matchersIn(expression: string): readonly Matcher[] {
  return [...removeTexts(expression).matchAll(SELECTOR)].flatMap(({ groups }) =>
    [...(groups?.['matchers'] ?? '').matchAll(/(?<label>[a-z_]+) ?(?:=~|!~|!=|=)/g)].map(
      (matcher) => ({
        metric: groups?.['metric'] ?? '',
        label: matcher.groups?.['label'] ?? '',
      }),
    ),
  );
}

/** Labels that series are grouped and joined by. */
export function groupingsIn(expression: string): readonly string[] {
  return unique(
    [...removeTexts(expression).matchAll(GROUPING)].flatMap(({ groups }) =>
      (groups?.['labels'] ?? '').split(',').map((label) => label.trim()),
    ),
  ).filter((label) => label !== '');
}

/** Labels of templates, `$labels.cause`, `.Labels.cause`, and of legends, `{{cause}}`. */
export function templateLabelsIn(text: string): readonly string[] {
  const found = text.matchAll(
    /(?:\$labels|\.Labels)\.(?<label>[a-z_]+)|\{\{(?<legend>[a-z_]+)\}\}/g,
  );
  return unique([...found].map(({ groups }) => groups?.['label'] ?? groups?.['legend'] ?? ''));
}

function removeTexts(expression: string): string {
  return expression.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
