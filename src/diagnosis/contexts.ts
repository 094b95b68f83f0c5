/**
 * Several installations of the runner on one host: each is judged by its own checks and those of the host as a whole,
 * and knows nothing of the others. What is one fault for several of them becomes one cause again.
 */
import type { CheckState, Snapshot } from '../core/check.ts';
import type { Cause, FixStep } from '../core/diagnosis.ts';
import { causeKey } from '../core/diagnosis.ts';
import type { RunnerContext } from '../core/host-context.ts';
import { runnerNamed } from '../core/host-context.ts';
import { plainIdOf } from '../core/target.ts';
import type { Scope } from '../core/vocabulary.ts';
import { sortBySeverity } from '../core/vocabulary.ts';
import { mergeCauses } from './build-cause.ts';
import { STAGES } from './cause-spec.ts';
import type { StagedCause } from './rules/default.ts';

/** What one installation has, beside what is of the host as a whole. */
export function snapshotOfContext(snapshot: Snapshot, context: RunnerContext): Snapshot {
  const { contexts } = snapshot.hostContext;
  if (contexts.length === 1) return snapshot;
  const others = new Set(contexts.map(({ place }) => place.id));
  others.delete(context.place.id);
  const checks = snapshot.checks
    .filter(({ check }) => !others.has(check.target.place ?? ''))
    .map((state) => withRunnerIds(state, context));
  return { ...snapshot, hostContext: { ...snapshot.hostContext, contexts: [context] }, checks };
}

/** The runner does not know that another installation has an entry of the same name. */
function withRunnerIds(state: CheckState, context: RunnerContext): CheckState {
  const { finding } = state;
  if (finding.events === undefined) return state;
  const events = finding.events.map((event) => {
    const entry = runnerNamed(context, event.runner);
    return entry === undefined ? event : { ...event, runner: entry.id };
  });
  return { ...state, finding: { ...finding, events } };
}

/** What these scopes name is the same thing for every installation of a host. */
const SHARED_BY_NAME: ReadonlySet<Scope> = new Set(['host', 'gitlab', 'monitor']);
/** So are the paths of those that see the same files. */
const SHARED: ReadonlySet<Scope> = new Set([...SHARED_BY_NAME, 'mount', 'executor']);

/** The causes of all installations in the order of blame. */
export function causesOfContexts(
  found: readonly { readonly context: RunnerContext; readonly causes: readonly StagedCause[] }[],
  { checks }: Snapshot,
): readonly Cause[] {
  const [only] = found;
  if (only !== undefined && found.length === 1) return only.causes.map(({ cause }) => cause);
  const plain = new Map(checks.map(({ check }) => [check.target.id, plainIdOf(check.target)]));
  const taken = new Set<string>();
  const all = found.flatMap(({ context, causes }) => {
    const isSeenAlike = context.place.paths.rootfs === only?.context.place.paths.rootfs;
    const shared = isSeenAlike ? SHARED : SHARED_BY_NAME;
    const own = causes.map((staged) => withOwnScope(staged, { context, taken, shared, plain }));
    for (const { cause } of own) taken.add(causeKey(cause));
    return own;
  });
  const groups = Map.groupBy(all, ({ cause }) => causeKey(cause));
  return [...groups.values()]
    .map((members) => members.toSorted((a, b) => rankOf(a) - rankOf(b)))
    .toSorted(([a], [b]) => rankOf(a) - rankOf(b))
    .flatMap((members) => asOne(members.map(({ cause }) => cause)));
}

function rankOf(staged: StagedCause | undefined): number {
  return staged === undefined ? STAGES.length : STAGES.indexOf(staged.stage);
}

interface Neighbourhood {
  readonly context: RunnerContext;
  /** Keys of the causes of other installations. */
  readonly taken: ReadonlySet<string>;
  readonly shared: ReadonlySet<Scope>;
  /** Ids of targets without their place. */
  readonly plain: ReadonlyMap<string, string>;
}

/** Another installation may have a config.toml of the same path, or an entry of the same name. */
function withOwnScope(
  { stage, cause }: StagedCause,
  { context, taken, shared, plain }: Neighbourhood,
): StagedCause {
  const { scope } = cause;
  const named = (id: string): StagedCause => ({
    stage,
    cause: { ...cause, scope: { ...scope, id } },
  });
  if (shared.has(scope.kind)) return named(plain.get(scope.id) ?? scope.id);
  return taken.has(causeKey(cause)) ? named(`${scope.id}#${context.place.id}`) : { stage, cause };
}

/** The worst speaks for all; what is to be done is what is to be done for each of them. */
function asOne(causes: readonly Cause[]): readonly Cause[] {
  if (causes.length === 1) return causes;
  const fix = distinctSteps(causes.flatMap((cause) => cause.fix));
  return mergeCauses(sortBySeverity(causes)).map((cause) => ({ ...cause, fix }));
}

function distinctSteps(steps: readonly FixStep[]): readonly FixStep[] {
  return [...new Map(steps.map((step) => [JSON.stringify(step), step])).values()];
}
