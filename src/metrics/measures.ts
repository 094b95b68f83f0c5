/** Measures of the probes as metric families, derived from their declarations. */
import type { MeasureSpec, Probe } from '../core/probe.ts';
import type { View } from '../core/view.ts';
import type { Family, Sample } from './family.ts';

/** Metrics that several measures feed; their help is not that of one measure. */
const SHARED_HELP: Readonly<Record<string, string>> = {
  path_phase_seconds: 'Duration of each phase of the last run of the path to GitLab.',
  tls_certificate_not_after_timestamp_seconds:
    'Expiry of the certificates on the path to GitLab, also if verification fails; the earliest of each position.',
};

interface Source {
  readonly probe: string;
  readonly measure: string;
  readonly spec: MeasureSpec;
}

export function measureFamilies(probes: readonly Probe[]): readonly Family[] {
  const sources = probes.flatMap(({ id, measures }) =>
    Object.entries(measures).map(([measure, spec]): Source => ({ probe: id, measure, spec })),
  );
  return [...Map.groupBy(sources, nameOf)].map(([name, group]) => familyOf(name, group));
}

function nameOf({ probe, measure, spec }: Source): string {
  return spec.as?.metric ?? `${probe.replaceAll('-', '_')}_${measure}`;
}

function familyOf(name: string, sources: readonly Source[]): Family {
  const spec = sources[0]?.spec;
  const targetLabel = spec?.as?.targetLabel ?? 'target';
  const ownLabels = Object.keys(spec?.as?.labels ?? {});
  return {
    name,
    kind: 'gauge',
    help: SHARED_HELP[name] ?? spec?.help ?? name,
    labels: [targetLabel, ...ownLabels],
    samples: (view) => sources.flatMap((source) => samplesOf(view, source, targetLabel)),
  };
}

function samplesOf(
  view: View,
  { probe, measure, spec }: Source,
  targetLabel: string,
): readonly Sample[] {
  return view.snapshot.checks
    .filter(({ check }) => check.probe.id === probe)
    .flatMap(({ check, finding }) => {
      const value = finding.measures?.[measure];
      if (value === undefined || !Number.isFinite(value)) return [];
      return [{ labels: { [targetLabel]: check.target.id, ...spec.as?.labels }, value }];
    });
}
