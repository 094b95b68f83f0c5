/** Which kinds of changes can produce a cause: declared by its entry, else by the probes that observe it. */
import type { ChangeKind } from '../../core/change.ts';
import type { Probe } from '../../core/probe.ts';
import { probesOf } from '../catalogue/index.ts';
import type { CauseSpec } from '../cause-spec.ts';

export function explainingKinds(
  spec: CauseSpec,
  probes: readonly Probe[],
): ReadonlySet<ChangeKind> {
  const observers = new Set(probesOf(spec));
  const ofProbes = probes.filter(({ id }) => observers.has(id));
  return new Set(spec.changedBy ?? ofProbes.flatMap(({ changedBy = [] }) => changedBy));
}
