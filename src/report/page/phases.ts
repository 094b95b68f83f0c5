/** How long each step of the path to a GitLab took, over the last 24 hours. */
import type { Series } from '../../core/past.ts';
import type { View } from '../../core/view.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import { plot } from './plot.ts';
import { formatMeasure } from '../format.ts';

const MAX_TARGETS = 3;

interface Phase {
  readonly name: string;
  readonly target: string;
  readonly title: string;
  readonly series: Series;
}

export function phasePlots({ snapshot, past }: View): Html | undefined {
  const phases = snapshot.checks.flatMap(({ check }): readonly Phase[] =>
    Object.entries(check.probe.measures).flatMap(([measure, { as }]) => {
      const name = as?.labels?.['phase'];
      const series = past.series.find((one) => one.check === check.id && one.measure === measure);
      if (name === undefined || series === undefined) return [];
      return [{ name, target: check.target.id, title: check.probe.title, series }];
    }),
  );
  if (phases.length === 0) return undefined;
  const groups = [...Map.groupBy(phases, ({ target }) => target)].slice(0, MAX_TARGETS);
  return html`<section aria-labelledby="h-phases">
    <h2 id="h-phases">Latency by step, last 24 hours</h2>
    ${groups.map(
      ([target, own]) =>
        html`<h3 class="target">${target}</h3>
          <div class="gauges">${own.map((phase) => phasePlot(phase, snapshot.takenAt))}</div>`,
    )}
  </section>`;
}

function phasePlot({ title, series: { points, measure } }: Phase, now: number): Html {
  const values = points.map(([, value]) => value);
  const last = formatMeasure(measure, values.at(-1) ?? 0);
  const most = formatMeasure(measure, Math.max(0, ...values));
  return html`<div class="gauge">
    <h4>${title}</h4>
    <p><b>${last}</b> <small>max ${most}</small></p>
    ${plot({ points, now, worse: 'high', label: `${title}: now ${last}, maximum ${most} in 24 hours` })}
  </div>`;
}
