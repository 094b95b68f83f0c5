/** Resources of the host: each measure that has a threshold, as a bar with its limits and a line of 24 hours. */
import type { CheckState } from '../../core/check.ts';
import type { Instant } from '../../core/clock.ts';
import type { Series } from '../../core/past.ts';
import type { View } from '../../core/view.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import { bar, plot } from './plot.ts';
import { measureName, formatMeasure, STATUS_NAMES } from '../format.ts';

const MAX_GAUGES = 16;

interface Gauge {
  readonly state: CheckState;
  readonly measure: string;
  readonly value: number;
  readonly worse: 'low' | 'high';
  readonly limits: readonly number[];
}

export function gaugesOf({ snapshot, past }: View): Html | undefined {
  const gauges = snapshot.checks.flatMap((state) => gaugesOfCheck(state)).slice(0, MAX_GAUGES);
  if (gauges.length === 0) return undefined;
  return html`<section aria-labelledby="h-host">
    <h2 id="h-host">This host</h2>
    <div class="gauges">
      ${gauges.map((gauge) => gaugeCard(gauge, past.series, snapshot.takenAt))}
    </div>
  </section>`;
}

function gaugesOfCheck(state: CheckState): readonly Gauge[] {
  const { probe, options } = state.check;
  return Object.entries(probe.measures).flatMap(([measure, { limits }]): readonly Gauge[] => {
    const value = state.finding.measures?.[measure];
    if (limits === undefined || value === undefined) return [];
    const marks = limits.options.flatMap((name) => {
      const limit = options[name];
      return typeof limit === 'number' ? [limit] : [];
    });
    return [{ state, measure, value, worse: limits.worse, limits: marks }];
  });
}

function gaugeCard(gauge: Gauge, series: readonly Series[], now: Instant): Html {
  const { state, measure, value, worse, limits } = gauge;
  const { check, finding } = state;
  const past = series.find((one) => one.check === check.id && one.measure === measure);
  const name = `${measureName(measure)}${check.target.kind === 'host' ? '' : ` of ${check.target.id}`}`;
  const border = worse === 'low' ? 'below' : 'above';
  const [warn, fail] = limits.map((limit) => formatMeasure(measure, limit));
  const marks = [
    warn === undefined ? '' : `warns ${border} ${warn}`,
    fail === undefined ? '' : `fails ${border} ${fail}`,
  ]
    .filter((mark) => mark !== '')
    .join(', ');
  const label = `${name}: ${formatMeasure(measure, value)}, ${marks}`;
  const status = isBeyond(gauge) ? finding.status : 'pass';
  return html`<div class="gauge ${status}">
    <h3>
      ${check.probe.title}: ${name}
      ${status === 'pass' ? undefined : html`<b class="tag">${STATUS_NAMES[status]}</b>`}
    </h3>
    <p><b>${formatMeasure(measure, value)}</b> <small>${marks}</small></p>
    ${bar(value, limits, label)}
    ${past === undefined ? undefined : plot({ points: past.points, now, worse, limits, top: topOf(gauge, past), label: `${name}, last 24 hours` })}
  </div>`;
}

/** The check may warn or fail because of another measure. */
function isBeyond({ value, worse, limits }: Gauge): boolean {
  return limits.some((limit) => (worse === 'low' ? value < limit : value > limit));
}

/** The scale ends at 1, unless all values are far below. */
function topOf({ worse, limits }: Gauge, { points }: Series): number {
  if (worse === 'low') return 1;
  return Math.min(1, Math.max(...limits, ...points.map(([, value]) => value)) * 1.2);
}
