/** What a probe is given to look with: the files of the place of its target, the runner's log there. */
import type { Absences } from '../core/absences.ts';
import type { Check } from '../core/check.ts';
import type { Clock } from '../core/clock.ts';
import type { CheckId } from '../core/finding.ts';
import type { HostContext } from '../core/host-context.ts';
import { contextOf } from '../core/host-context.ts';
import type { Place } from '../core/place.ts';
import type { Budget, LinkTools, Walk } from '../core/probe.ts';
import type { RunnerLogReader } from '../core/runner-event.ts';
import type { Target } from '../core/target.ts';
import type { Known } from './store.ts';

export interface ToolDeps {
  readonly clock: Clock;
  readonly contexts: HostContext['contexts'];
  readonly budget: Budget;
  readonly known: (id: CheckId) => Known | undefined;
  /** Since when places are gone. */
  readonly absences?: Absences;
  /** The log of the runner at a place, where there is one. */
  readonly logAt?: (place: Place) => RunnerLogReader | undefined;
}

export function toolsFor(
  { id, target }: Check,
  deps: ToolDeps,
  walk: Walk,
  signal: AbortSignal,
): LinkTools {
  const { clock, budget } = deps;
  const here = lookAt(target, deps);
  const { place } = here;
  // What belongs to the host as a whole is not in the container of the first runner.
  const paths = target.place === undefined ? (place.hostPaths ?? place.paths) : place.paths;
  const runnerLog = deps.logAt?.(place);
  const log = runnerLog === undefined ? {} : { runnerLog };
  const previous = deps.known(id)?.result.finding;
  return { clock, ...here, paths, budget, walk, previous, signal, ...log };
}

function lookAt(
  target: Target,
  { contexts }: ToolDeps,
): Pick<LinkTools, 'place' | 'process' | 'program' | 'neighbours'> {
  const own = contextOf({ contexts }, target);
  const others = contexts.filter((context) => context !== own);
  const neighbours = others.flatMap((context) => context.process ?? []);
  const { place, process, program } = own;
  return { place, process, neighbours, ...(program === undefined ? {} : { program }) };
}
