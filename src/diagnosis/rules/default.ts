/**
 * The default for every check that no rule covers: a check that fails or warns is the cause that the catalogue assigns to
 * its reason, or `unknown` with the detail of the check. So is a check that could not run for a reason that is a cause.
 */
import type { CheckState, Snapshot } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { CheckId } from '../../core/finding.ts';
import { detailOf, reasonOf } from '../../core/finding.ts';
import type { RunnerTarget, TargetKind } from '../../core/target.ts';
import type { ReasonSpec } from '../../core/reason.ts';
import type { Scope, Severity } from '../../core/vocabulary.ts';
import type { Observation } from '../build-cause.ts';
import { buildCause, requireCause, sentence } from '../build-cause.ts';
import { catalogue, specOfReason, stageOf } from '../catalogue/index.ts';
import type { CauseSpec, Stage } from '../cause-spec.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { isTroubled, linkOf } from '../snapshot-index.ts';

/** A cause with its position in the order of blame. */
export interface StagedCause {
  readonly stage: Stage;
  readonly cause: Cause;
}

/** In the order of the catalogue. `spokenFor`: checks that a rule has as evidence or explains. */
export function defaultCauses(
  indexed: SnapshotIndex,
  spokenFor: ReadonlySet<CheckId>,
): readonly StagedCause[] {
  return indexed.snapshot.checks
    .filter((state) => !spokenFor.has(state.check.id) && mustEndInCause(state, indexed.snapshot))
    .toSorted((a, b) => catalogue.indexOf(specOf(a)) - catalogue.indexOf(specOf(b)))
    .map((state) => {
      const cause = causeOfCheck(state, indexed);
      return { stage: stageOf(specOf(state), cause.severity), cause };
    });
}

/** Whether a check must be evidence of a cause, or explained by one. */
export function mustEndInCause(state: CheckState, snapshot: Snapshot): boolean {
  if (state.finding.status === 'unknown') return specOfFinding(state) !== undefined;
  return isTroubled(state) && !isPassing(state) && !isOutdated(state, snapshot);
}

/** Context of an earlier walk: it says nothing about the links that ran since. */
function isOutdated(state: CheckState, { checks }: Snapshot): boolean {
  if (declaredReason(state)?.kind !== 'context') return false;
  const { target } = state.check;
  const at = state.last?.startedAt ?? 0;
  return checks.some(
    (other) =>
      other.check.target.id === target.id &&
      linkOf(other) !== undefined &&
      (other.last?.startedAt ?? 0) > at,
  );
}

function declaredReason({ check, finding }: CheckState): ReasonSpec | undefined {
  return check.probe.reasons[reasonOf(finding) ?? ''];
}

/** The check could not find out, although it was its turn. */
export function isUnseen(state: CheckState): boolean {
  const reason = declaredReason(state);
  return reason?.kind === 'unseen' && reason.isNotDue !== true;
}

/** The severity that the reason itself sets; mere context is never worse than a notice. */
function severityOf(reason: ReasonSpec | undefined): Severity | undefined {
  if (reason?.kind === 'context') return 'notice';
  return reason !== undefined && 'severity' in reason ? reason.severity : undefined;
}

/** The cause that the catalogue assigns to a check. A rule that knows more passes `over`. */
export function causeOfCheck(
  state: CheckState,
  indexed: SnapshotIndex,
  over: Partial<Observation> = {},
): Cause {
  const { target } = state.check;
  const reason = declaredReason(state);
  const severity = severityOf(reason);
  const spec = specOf(state);
  const cause = buildCause(indexed, {
    spec,
    states: [state],
    scopeId: target.id,
    runners: affectedBy(state, indexed),
    ...(target.kind === 'endpoint' ? { url: target.id } : {}),
    ...(severity === undefined ? {} : { severity }),
    ...over,
  });
  if (spec.id !== 'unknown') return cause;
  // No catalogue entry has this reason, but the fault is known.
  const summary = sentence(detailOf(state.finding));
  const fix = reason !== undefined && 'action' in reason ? [{ text: reason.action }] : cause.fix;
  return { ...cause, summary, fix, scope: { ...cause.scope, kind: SCOPES[target.kind] } };
}

/** The catalogue entry of a finding, whatever its status. */
export function specOfFinding({ check, finding }: CheckState): CauseSpec | undefined {
  return specOfReason(check.probe.id, reasonOf(finding) ?? '');
}

function specOf(state: CheckState): CauseSpec {
  return specOfFinding(state) ?? requireCause('unknown');
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

/** Entries that a fault of this target affects. */
function affectedBy(
  { check: { target } }: CheckState,
  indexed: SnapshotIndex,
): readonly RunnerTarget[] {
  const { runners } = indexed.context;
  if (target.kind === 'endpoint') return indexed.runnersOf(target);
  if (target.kind === 'runner') return runners.filter(({ id }) => id === target.id);
  if (target.kind !== 'executor') return runners;
  return runners.filter(({ id }) => target.runners.includes(id));
}

/** Number of results that are judged together. */
const RESULTS = 5;

/** One slow result among fast ones: the median of the last results is within the limit. */
export function isPassing(state: CheckState): boolean {
  const { check, recent } = state;
  const lasting = specOfFinding(state)?.lasting;
  if (lasting === undefined) return false;
  const values = recent
    .slice(-RESULTS)
    .flatMap(({ finding }) => lasting.measures.flatMap((name) => finding.measures?.[name] ?? []))
    .toSorted((a, b) => a - b);
  const median = values[Math.floor((values.length - 1) / 2)];
  return median !== undefined && median <= Number(check.options[lasting.option]);
}
