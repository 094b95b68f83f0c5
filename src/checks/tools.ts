/** What a probe is given to look with: the files of the place of its target, the runner's log there. */
import type { Check } from '../core/check.ts';
import type { Clock } from '../core/clock.ts';
import type { CheckId } from '../core/finding.ts';
import type { HostContext } from '../core/host-context.ts';
import { placeOf } from '../core/host-context.ts';
import type { Budget, LinkTools, Walk } from '../core/probe.ts';
import type { RunnerLogReader } from '../core/runner-event.ts';
import type { Known } from './store.ts';

export interface ToolDeps {
  readonly clock: Clock;
  readonly contexts: HostContext['contexts'];
  readonly budget: Budget;
  readonly known: (id: CheckId) => Known | undefined;
  readonly runnerLog?: RunnerLogReader;
}

export function toolsFor(
  { id, target }: Check,
  deps: ToolDeps,
  walk: Walk,
  signal: AbortSignal,
): LinkTools {
  const { clock, budget, runnerLog } = deps;
  const { paths } = placeOf(deps, target);
  const log = runnerLog === undefined ? {} : { runnerLog };
  const previous = deps.known(id)?.result.finding;
  return { clock, paths, budget, walk, previous, signal, ...log };
}
