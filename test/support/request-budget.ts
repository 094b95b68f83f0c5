/** A request budget that knows the kinds of requests of the real probes. */
import { RequestBudget } from '../../src/checks/request-budget.ts';
import type { SavedBudget } from '../../src/checks/request-budget.ts';
import type { Clock } from '../../src/core/clock.ts';
import { requestKindsOf } from '../../src/core/request.ts';
import { PROBES } from '../../src/probes/index.ts';

const KINDS = requestKindsOf(PROBES);

export function requestBudget(
  clock: Clock,
  requestsPerHour: number,
  saved?: SavedBudget,
): RequestBudget {
  return new RequestBudget(clock, KINDS, requestsPerHour, saved);
}
