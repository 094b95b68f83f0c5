/** For a failure without a known cause: which causes are possible, and which evidence is missing for each. */
import type { Snapshot } from '../core/check.ts';
import type { Candidate, Cause } from '../core/diagnosis.ts';
import { allRunners } from '../core/host-context.ts';
import { catalogue, probesOf } from './catalogue/index.ts';
import { isOfExecutors } from './cause-spec.ts';

/** A longer list would not help. */
const MAX_CANDIDATES = 5;

export function candidatesOf(
  causes: readonly Cause[],
  { checks, hostContext }: Snapshot,
): readonly Candidate[] {
  const unproven = causes.filter(({ id }) => id === 'unknown');
  const probes = new Set(
    unproven.flatMap(({ evidence }) =>
      evidence.map(({ check }) => checks.find((state) => state.check.id === check)?.check.probe.id),
    ),
  );
  const concerned = new Set(unproven.flatMap(({ scope }) => scope.runners));
  const executors = allRunners(hostContext)
    .filter(({ id }) => concerned.size === 0 || concerned.has(id))
    .map(({ executor }) => executor);
  return catalogue
    .filter((spec) => probesOf(spec).some((probe) => probes.has(probe)))
    .filter((spec) => isOfExecutors(spec, executors))
    .slice(0, MAX_CANDIDATES)
    .map(({ id, evidence }) => ({
      id,
      missing: evidence,
      nextTest: `runnerwatch explain ${id}`,
    }));
}
