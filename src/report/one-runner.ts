/** A view reduced to one entry: `/health/RUNNER`, `check --runner NAME`. */
import { allRunners } from '../core/host-context.ts';
import type { View } from '../core/view.ts';
import { computeVerdict, isWorking, shownCauses, weightOf } from '../core/verdict.ts';
import { sortBySeverity } from '../core/vocabulary.ts';

/** By short token, or by name; undefined when there is no such entry. */
export function viewOfRunner(view: View, wanted: string): View | undefined {
  const { diagnosis, snapshot } = view;
  const own =
    diagnosis.runners.find(({ runner }) => runner === wanted) ??
    diagnosis.runners.find(({ name }) => name === wanted);
  const target = allRunners(snapshot.hostContext).find(({ id }) => id === own?.runner);
  if (own === undefined || target === undefined) return undefined;
  const causes = diagnosis.causes.filter(({ scope }) => scope.runners.includes(own.runner));
  const checks = snapshot.checks.filter(
    ({ check }) =>
      check.target.id === own.runner ||
      check.target.id === target.endpoint ||
      (check.target.kind === 'executor' && check.target.runners.includes(own.runner)),
  );
  const isProven = causes.every(({ id }) => id !== 'unknown');
  const candidates = isProven ? [] : diagnosis.candidates;
  const { severities } = weightOf(causes);
  const verdict = computeVerdict(severities, [own], !isWorking(own));
  const [worst] = sortBySeverity(shownCauses({ verdict, causes }));
  const fine = `${own.name} reaches ${own.url}; no problem found.`;
  const open = `No problem found with ${own.name}, but ${own.unproven ?? 'some checks have no result'}.`;
  const summary = worst?.summary ?? (verdict === 'healthy' ? fine : open);
  return {
    ...view,
    snapshot: { ...snapshot, checks },
    diagnosis: { verdict, summary, causes, candidates, runners: [own] },
  };
}
