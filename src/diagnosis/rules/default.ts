/**
 * What no rule has spoken for: a check that fails or warns is the cause that the catalogue reads it as, or `unknown` in
 * the words of the check itself. So is a check that could not look for a reason that is a cause.
 */
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { CheckId } from '../../core/finding.ts';
import { detailOf, reasonOf } from '../../core/finding.ts';
import type { RunnerTarget, TargetKind } from '../../core/target.ts';
import type { Scope } from '../../core/vocabulary.ts';
import type { Observation } from '../build-cause.ts';
import { buildCause, requireCause, sentence } from '../build-cause.ts';
import { catalogue, specOfReason, stageOf } from '../catalogue/index.ts';
import type { CauseSpec, Stage } from '../cause-spec.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { isTroubled } from '../snapshot-index.ts';

/** A cause with its place in the order of blame. */
export interface BlamedCause {
  readonly stage: Stage;
  readonly cause: Cause;
}

/** In the order of the catalogue. `spokenFor`: checks that a rule has as evidence or explains. */
export function defaultCauses(
  indexed: SnapshotIndex,
  spokenFor: ReadonlySet<CheckId>,
): readonly BlamedCause[] {
  return indexed.snapshot.checks
    .filter((state) => !spokenFor.has(state.check.id) && isAccused(state))
    .toSorted((a, b) => catalogue.indexOf(specOf(a)) - catalogue.indexOf(specOf(b)))
    .map((state) => {
      const cause = causeOfCheck(state, indexed);
      return { stage: stageOf(specOf(state), cause.severity), cause };
    });
}

/** Whether a check must end in a cause. */
export function isAccused(state: CheckState): boolean {
  if (state.finding.status === 'unknown') return readAs(state) !== undefined;
  return isTroubled(state) && !isPassing(state);
}

/** The cause that the catalogue reads a check as. A rule that knows more says it in `over`. */
export function causeOfCheck(
  state: CheckState,
  indexed: SnapshotIndex,
  over: Partial<Observation> = {},
): Cause {
  const { target, probe } = state.check;
  const reason = probe.reasons[reasonOf(state.finding) ?? ''];
  const spec = specOf(state);
  const cause = buildCause(indexed, {
    spec,
    states: [state],
    scopeId: target.id,
    runners: affectedBy(state, indexed),
    ...(target.kind === 'endpoint' ? { url: target.id } : {}),
    ...(reason?.severity === undefined ? {} : { severity: reason.severity }),
    ...over,
  });
  if (spec.id !== 'unknown') return cause;
  // No entry of the catalogue means it, but what is wrong is known.
  const summary = sentence(detailOf(state.finding));
  const fix = reason === undefined ? cause.fix : [{ text: reason.action }];
  return { ...cause, summary, fix, scope: { ...cause.scope, kind: SCOPES[target.kind] } };
}

/** The entry of the catalogue that a finding is read as, whatever its status. */
export function readAs({ check, finding }: CheckState): CauseSpec | undefined {
  return specOfReason(check.probe.id, reasonOf(finding) ?? '');
}

function specOf(state: CheckState): CauseSpec {
  return readAs(state) ?? requireCause('unknown');
}

const SCOPES: Readonly<Record<TargetKind, Scope>> = {
  endpoint: 'gitlab',
  runner: 'runner',
  executor: 'executor',
  mount: 'mount',
  config: 'config',
  service: 'service',
  host: 'host',
};

/** Entries that a fault of this target concerns. */
function affectedBy(
  { check: { target } }: CheckState,
  indexed: SnapshotIndex,
): readonly RunnerTarget[] {
  const { runners } = indexed.hostContext;
  if (target.kind === 'endpoint') return indexed.runnersOf(target);
  if (target.kind === 'runner') return runners.filter(({ id }) => id === target.id);
  if (target.kind !== 'executor') return runners;
  return runners.filter(({ id }) => target.runners.includes(id));
}

/** So many results are judged together. */
const RESULTS = 5;

/** One slow result among fast ones: the median of the last ones is within the limit. */
export function isPassing(state: CheckState): boolean {
  const { check, recent } = state;
  const lasting = readAs(state)?.lasting;
  if (lasting === undefined) return false;
  const values = recent
    .slice(-RESULTS)
    .flatMap(({ finding }) => finding.measures?.[lasting.measure] ?? [])
    .toSorted((a, b) => a - b);
  const median = values[Math.floor((values.length - 1) / 2)];
  return median !== undefined && median <= Number(check.options[lasting.option]);
}
