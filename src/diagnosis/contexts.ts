/**
 * Several installations of the runner on one host: each is judged by its own checks and those of the host as a whole,
 * and knows nothing of the others. What is one fault for several of them becomes one cause again.
 */
import type { Snapshot } from '../core/check.ts';
import type { Cause, FixStep } from '../core/diagnosis.ts';
import { causeKey } from '../core/diagnosis.ts';
import type { RunnerContext } from '../core/host-context.ts';
import type { Scope } from '../core/vocabulary.ts';
import { sortBySeverity } from '../core/vocabulary.ts';
import { mergeCauses } from './build-cause.ts';
import { STAGES } from './cause-spec.ts';
import type { StagedCause } from './rules/default.ts';

/** What one installation has, beside what is of the host as a whole. */
export function snapshotOfContext(snapshot: Snapshot, context: RunnerContext): Snapshot {
  const { host, contexts } = snapshot.hostContext;
  if (contexts.length === 1) return snapshot;
  const others = new Set(contexts.map(({ place }) => place.id));
  others.delete(context.place.id);
  const checks = snapshot.checks.filter(({ check }) => !others.has(check.target.place ?? ''));
  return { ...snapshot, hostContext: { host, contexts: [context] }, checks };
}

/** What these scopes name is the same thing for every installation of a host. */
const SHARED: ReadonlySet<Scope> = new Set(['host', 'gitlab', 'mount', 'executor']);

/** The causes of all installations in the order of blame. */
export function causesOfContexts(
  found: readonly { readonly context: RunnerContext; readonly causes: readonly StagedCause[] }[],
): readonly Cause[] {
  const [only] = found;
  if (only !== undefined && found.length === 1) return only.causes.map(({ cause }) => cause);
  const taken = new Set<string>();
  const all = found.flatMap(({ context, causes }) => {
    const own = causes.map((staged) => withOwnScope(staged, context, taken));
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

/** Another installation may have a config.toml of the same path, or an entry of the same name. */
function withOwnScope(
  { stage, cause }: StagedCause,
  { place }: RunnerContext,
  taken: ReadonlySet<string>,
): StagedCause {
  const { scope } = cause;
  if (SHARED.has(scope.kind) || !taken.has(causeKey(cause))) return { stage, cause };
  return { stage, cause: { ...cause, scope: { ...scope, id: `${scope.id}#${place.id}` } } };
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
