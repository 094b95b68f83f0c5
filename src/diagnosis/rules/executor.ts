/** What the executors stand on: of the entries that need it alone. */
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import { detailOf, reasonOf } from '../../core/finding.ts';
import { specOfReason } from '../catalogue/index.ts';
import { draft, mustHave, sentence } from '../build-cause.ts';
import type { Picture } from '../snapshot-index.ts';
import { isFail } from '../snapshot-index.ts';

export function executorCauses(picture: Picture): readonly Cause[] {
  return picture.statesOf('executor').flatMap((state) => {
    if (!isFail(state) && state.finding.status !== 'warn') return [];
    return [causeOf(state, picture)];
  });
}

/** What hurts no job: it only holds what others could use. */
const HARMLESS: ReadonlySet<string> = new Set(['job-overdue']);

function causeOf(state: CheckState, picture: Picture): Cause {
  const reason = reasonOf(state.finding) ?? '';
  const spec = specOfReason('executor', reason);
  const cause = draft(picture, {
    spec: spec ?? mustHave('unknown'),
    states: [state],
    scopeId: state.check.target.id,
    runners: runnersOf(state, picture),
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

function runnersOf({ check }: CheckState, { surroundings }: Picture) {
  const { target } = check;
  const wanted = new Set(target.kind === 'executor' ? target.runners : []);
  return surroundings.runners.filter(({ id }) => wanted.has(id));
}
