/** What the executors stand on: of the entries that need it alone. */
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import { detailOf, reasonOf } from '../../core/finding.ts';
import { specOfReason } from '../catalogue/index.ts';
import { buildCause, requireCause, sentence } from '../build-cause.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { isFail } from '../snapshot-index.ts';

export function executorCauses(indexed: SnapshotIndex): readonly Cause[] {
  return indexed.statesOf('executor').flatMap((state) => {
    if (!isFail(state) && state.finding.status !== 'warn') return [];
    return [causeOf(state, indexed)];
  });
}

/** What hurts no job: it only holds what others could use. */
const HARMLESS: ReadonlySet<string> = new Set(['job-overdue']);

function causeOf(state: CheckState, indexed: SnapshotIndex): Cause {
  const reason = reasonOf(state.finding) ?? '';
  const spec = specOfReason('executor', reason);
  const cause = buildCause(indexed, {
    spec: spec ?? requireCause('unknown'),
    states: [state],
    scopeId: state.check.target.id,
    runners: runnersOf(state, indexed),
    // Jobs fail, and the runner still has GitLab.
    ...(spec === undefined ? { severity: HARMLESS.has(reason) ? 'notice' : 'warning' } : {}),
  });
  if (spec !== undefined) return cause;
  // No id of the catalogue means it, but what is wrong is known.
  const summary = sentence(detailOf(state.finding));
  const action = state.check.probe.reasons[reason]?.action;
  const fix = action === undefined ? cause.fix : [{ text: action }];
  return { ...cause, summary, fix, scope: { ...cause.scope, kind: 'executor' } };
}

function runnersOf({ check }: CheckState, { hostContext }: SnapshotIndex) {
  const { target } = check;
  const wanted = new Set(target.kind === 'executor' ? target.runners : []);
  return hostContext.runners.filter(({ id }) => wanted.has(id));
}
