/** For a failure without a known cause: which causes are possible, and which evidence is missing for each. */
import type { Snapshot } from '../core/check.ts';
import type { Candidate, Cause } from '../core/diagnosis.ts';
import { catalogue, probesOf } from './catalogue/index.ts';

/** A longer list would not help. */
const MAX_CANDIDATES = 5;

export function candidatesOf(causes: readonly Cause[], { checks }: Snapshot): readonly Candidate[] {
  const unproven = causes.filter(({ id }) => id === 'unknown');
  const probes = new Set(
    unproven.flatMap(({ evidence }) =>
      evidence.map(({ check }) => checks.find((state) => state.check.id === check)?.check.probe.id),
    ),
  );
  return catalogue
    .filter((spec) => probesOf(spec).some((probe) => probes.has(probe)))
    .slice(0, MAX_CANDIDATES)
    .map(({ id, evidence }) => ({
      id,
      missing: evidence,
      nextTest: `runnerwatch explain ${id}`,
    }));
}
