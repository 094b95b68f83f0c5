/**
 * Which checks of a walk are asked for the proof that a fault is over: those with a sign of that, from the reserve. They are
 * bounded, for a GitLab that comes and goes.
 */
import type { Check } from '../core/check.ts';
import { isBudgeted } from '../core/request.ts';
import type { Chosen, WalkDeps } from './due.ts';
import { carriersOf, endpointIdOf, isBlocking, isRecheck } from './due.ts';

/** A GitLab that comes and goes must not use up the reserve: so much of it is for what the runner contradicts. */
const KEPT_FOR_CONTRADICTIONS = 2;
/** One check is not asked more often whether its fault is over. */
const PROOF_SECONDS = 300;

/** Adds those of these checks with a sign that they may pass again. */
export function wantProofs(checks: readonly Check[], deps: WalkDeps, chosen: Chosen): void {
  const mayPass = deps.mayPass?.(checks);
  const signed = checks.filter(({ id }) => mayPass?.has(id) === true);
  addProofs(signed, checks, deps, chosen);
}

function addProofs(
  mayPass: readonly Check[],
  checks: readonly Check[],
  { known, budget, reserve }: WalkDeps,
  { wanted, fromReserve, proofs }: Chosen,
): void {
  const isPassed = (check: Check): boolean => !isBlocking(known(check.id)?.result.finding);
  for (const check of mayPass) {
    const { id, probe } = check;
    const endpoint = endpointIdOf(check);
    // Of tokens that were only contradicted, one speaks for all.
    const isOneOfMany =
      isPassed(check) &&
      checks.some((one) => one.probe === probe && proofs.has(one.id) && isPassed(one));
    // What ends by itself is asked at its own pace.
    if (isOneOfMany || isRecheck(known(id))) continue;
    if (!wanted.has(id) || !(fromReserve.has(id) || budget.allows(probe.id, endpoint))) {
      const others = fromReserve.size + KEPT_FOR_CONTRADICTIONS;
      const mayAsk = reserve?.allows(probe.id, endpoint, others) === true;
      if (!mayAsk || !budget.once(`proof:${id}`, PROOF_SECONDS)) continue;
      fromReserve.add(id);
    }
    const carriers = carriersOf([check], checks).filter((one) => !isBudgeted(one.probe));
    for (const one of [check, ...carriers]) wanted.add(one.id);
    proofs.add(id);
  }
}

/** A link passes again: so may those behind it that failed when they were asked last. */
export function wantRecovered(
  checks: readonly Check[],
  { id: recovered }: Check,
  deps: WalkDeps,
  chosen: Chosen,
): void {
  const behind = checks.filter(
    ({ id, probe }) =>
      id !== recovered && isBudgeted(probe) && isBlocking(deps.known(id)?.result.finding),
  );
  addProofs(behind, checks, deps, chosen);
}
