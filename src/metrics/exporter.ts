/**
 * Exports views as Prometheus text or OpenMetrics. The only user of prom-client.
 *
 * The metrics are built for each render, so no series remains when an entry leaves config.toml; the text of a view is
 * cached, so a scrape of an unchanged view costs nothing.
 */
import type { RegistryContentType } from 'prom-client';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

import type { ProbeResult } from '../core/finding.ts';
import { reasonOf, RUN_REASONS } from '../core/finding.ts';
import type { Probe } from '../core/probe.ts';
import type { View } from '../core/view.ts';
import type { Family } from './family.ts';
import { FAMILIES } from './families.ts';
import { measureFamilies } from './measures.ts';
import { OWN_PROCESS_FAMILIES } from './own-process.ts';

export const PREFIX = 'runnerwatch_';
/** From a read of /proc to the longest deadline of a walk. */
const DURATION_BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 20];

/** What lives longer than a view, and so is counted here instead of read from it. */
export const COUNTER_FAMILIES = {
  durations: {
    name: 'probe_duration_seconds',
    help: 'Duration of the runs of a probe.',
    labels: ['probe'],
  },
  reasons: {
    name: 'probe_failure_reasons_total',
    help: 'Runs of a probe that did not pass, by reason.',
    labels: ['probe', 'reason'],
  },
} as const;

export type Format = 'text' | 'openmetrics';

export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

export interface Exporter {
  /** Counts one finished run. */
  observe(result: ProbeResult, probe: Probe): void;
  render(view: View, format: Format): Promise<Exposition>;
}

export function createExporter(probes: readonly Probe[]): Exporter {
  const counted = createCounters();
  for (const probe of probes) if (!isOfExecutor(probe)) counted.begin(probe);
  const families: readonly (Family & { readonly prefix: string })[] = [
    ...[...FAMILIES, ...measureFamilies(probes)].map((family) => ({ ...family, prefix: PREFIX })),
    ...OWN_PROCESS_FAMILIES.map((family) => ({ ...family, prefix: '' })),
  ];
  const kept = new WeakMap<View, Map<Format, Promise<Exposition>>>();
  return {
    observe: (result, probe) => counted.observe(result, probe),
    render: async (view, format) => {
      const texts = kept.get(view) ?? new Map<Format, Promise<Exposition>>();
      kept.set(view, texts);
      const known = texts.get(format);
      if (known !== undefined) return await known;
      for (const { check } of view.snapshot.checks) counted.begin(check.probe);
      const made = renderFamily(view, format, families, counted);
      texts.set(format, made);
      return await made;
    },
  };
}

/** Most hosts have one kind of executor: what looks at others has no series there. */
function isOfExecutor({ kind }: Probe): boolean {
  return kind === 'executor';
}

interface CounterFamilies {
  readonly durations: Histogram<'probe'>;
  readonly reasons: ReadonlyMap<string, { probe: string; reason: string; count: number }>;
  /** All its series are there from now on, at zero. */
  begin(probe: Probe): void;
  observe(result: ProbeResult, probe: Probe): void;
}

/** Durations and reasons; those of an executor are there from its first check on. */
function createCounters(): CounterFamilies {
  const durations = new Histogram({
    name: `${PREFIX}${COUNTER_FAMILIES.durations.name}`,
    help: COUNTER_FAMILIES.durations.help,
    labelNames: COUNTER_FAMILIES.durations.labels,
    buckets: DURATION_BUCKETS,
    registers: [],
  });
  const reasons = new Map<string, { probe: string; reason: string; count: number }>();
  const begun = new Set<string>();
  // The package's types do not know the argument that its documentation names.
  const zeroed = durations as unknown as { zero(labels: { probe: string }): void };
  const begin = (probe: Probe): void => {
    const { id } = probe;
    if (begun.has(id)) return;
    begun.add(id);
    zeroed.zero({ probe: id });
    for (const reason of [...Object.keys(probe.reasons), ...runReasonsOf(probe)])
      reasons.set(`${id}/${reason}`, { probe: id, reason, count: 0 });
  };
  return {
    durations,
    reasons,
    begin,
    observe: ({ finding, durationSeconds }, probe) => {
      const { id } = probe;
      begin(probe);
      durations.observe({ probe: id }, durationSeconds);
      const entry = reasons.get(`${id}/${reasonOf(finding) ?? ''}`);
      if (entry !== undefined) entry.count += 1;
    },
  };
}

/** Only a link waits for others, and only what sends requests for the budget. */
function runReasonsOf({ needs, requests }: Probe): readonly string[] {
  const absent = [
    ...(needs.length === 0 ? ['earlier-link'] : []),
    ...(requests === undefined ? ['request-budget'] : []),
  ];
  return Object.keys(RUN_REASONS).filter((reason) => !absent.includes(reason));
}

async function renderFamily(
  view: View,
  format: Format,
  families: readonly (Family & { readonly prefix: string })[],
  { durations, reasons }: CounterFamilies,
): Promise<Exposition> {
  const registry = new Registry();
  if (format === 'openmetrics')
    (registry as Registry<RegistryContentType>).setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  for (const family of families) addFamily(registry, family, view);
  const counter = new Counter({
    name: `${PREFIX}${COUNTER_FAMILIES.reasons.name}`,
    help: COUNTER_FAMILIES.reasons.help,
    labelNames: COUNTER_FAMILIES.reasons.labels,
    registers: [registry],
  });
  for (const { probe, reason, count } of reasons.values()) counter.inc({ probe, reason }, count);
  registry.registerMetric(durations);
  return { contentType: registry.contentType, body: await registry.metrics() };
}

function addFamily(
  registry: Registry,
  family: Family & { readonly prefix: string },
  view: View,
): void {
  const { prefix, name, help, labels, kind } = family;
  const samples = family.samples(view);
  // A family without a sample would be a HELP line with nothing below it.
  if (samples.length === 0) return;
  const shape = { name: `${prefix}${name}`, help, labelNames: [...labels], registers: [registry] };
  if (kind === 'counter') {
    const counter = new Counter(shape);
    for (const { labels: values, value } of samples) counter.inc(values, value);
    return;
  }
  const gauge = new Gauge(shape);
  for (const { labels: values, value } of samples) gauge.set(values, value);
}
