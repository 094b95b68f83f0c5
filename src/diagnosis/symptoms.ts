/** Which causes are only symptoms of another one, so that one fault does not page twice. */
import type { Cause } from '../core/diagnosis.ts';
import type { RunnerTarget } from '../core/target.ts';
import { plainIdOf } from '../core/target.ts';
import type { Scope } from '../core/vocabulary.ts';
import { causeSpec } from './catalogue/index.ts';
import { concernsAllEntries } from './cause-spec.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import { executorsOf } from './snapshot-index.ts';

/** Where one of these is at fault, only the entries that use it are concerned. */
const BY_ENTRY: ReadonlySet<Scope> = new Set(['runner', 'executor', 'mount']);

/** Removes symptoms from the list and adds them, with their entries, to the cause that explains them. */
export function withoutSymptoms(
  causes: readonly Cause[],
  indexed: SnapshotIndex,
): readonly Cause[] {
  const above = new Map<Cause, Cause>();
  for (const cause of causes.toReversed()) {
    const by = causes.find(
      (other) => rootOf(other, above) !== cause && accountsFor(other, cause, indexed),
    );
    if (by !== undefined) above.set(cause, by);
  }
  const roots = Map.groupBy(causes, (cause) => rootOf(cause, above));
  return causes
    .filter((cause) => !above.has(cause))
    .map((root) => withSymptoms(root, roots.get(root) ?? [], indexed));
}

/** Up to the cause that no other explains. Of two that explain each other the first in the order of blame wins. */
function rootOf(cause: Cause, above: ReadonlyMap<Cause, Cause>): Cause {
  const next = above.get(cause);
  return next === undefined ? cause : rootOf(next, above);
}

function withSymptoms(root: Cause, family: readonly Cause[], { context }: SnapshotIndex): Cause {
  const under = family.filter((cause) => cause !== root);
  if (under.length === 0) return root;
  const own = new Set(root.evidence.map(({ check }) => check));
  const checks = under.flatMap(({ evidence, explains }) => [
    ...evidence.map(({ check }) => check),
    ...explains,
  ]);
  const concerned = new Set(family.flatMap(({ scope }) => scope.runners));
  const runners = context.runners.map(({ id }) => id).filter((id) => concerned.has(id));
  return {
    ...root,
    scope: { ...root.scope, runners },
    explains: [...new Set([...root.explains, ...checks])].filter((check) => !own.has(check)),
  };
}

function accountsFor(cause: Cause, symptom: Cause, indexed: SnapshotIndex): boolean {
  const isExplained = symptom.evidence.every(({ check }) => cause.explains.includes(check));
  return isExplained || isSuppressed(symptom, cause, indexed);
}

function isSuppressed(symptom: Cause, by: Cause, indexed: SnapshotIndex): boolean {
  const spec = causeSpec(by.id);
  // A cause that only warns is not severe enough to explain others.
  const isFull = by.severity === spec?.severity;
  return isFull && (spec.suppresses?.includes(symptom.id) ?? false) && meets(by, symptom, indexed);
}

/** A line of config.toml, or what was written to a file system, may belong to one entry of several. */
function isOfEveryEntry({ scope }: Cause, runners: readonly RunnerTarget[]): boolean {
  if (concernsAllEntries(scope.kind)) return true;
  if (scope.kind !== 'config' && scope.kind !== 'mount') return false;
  return scope.runners.length === 0 || scope.runners.length >= runners.length;
}

/** An engine on another host, or in a cluster: it uses no file system of this host. */
function isElsewhere({ scope }: Cause, indexed: SnapshotIndex): boolean {
  if (scope.kind !== 'executor') return false;
  const { place, runners } = indexed.context;
  return runners
    .filter(({ id }) => scope.runners.includes(id))
    .flatMap((runner) => executorsOf(indexed, runner))
    .every(({ check }) => !place.engineAt(plainIdOf(check.target)).isHere);
}

/** A fault at one GitLab does not explain another one. */
function meets(cause: Cause, symptom: Cause, indexed: SnapshotIndex): boolean {
  const { context } = indexed;
  if (cause.scope.kind === 'mount' && isElsewhere(symptom, indexed)) return false;
  if (isOfEveryEntry(cause, context.runners)) return true;
  // A line of one entry does not explain the token of another entry with the same GitLab.
  const isByEntry =
    BY_ENTRY.has(cause.scope.kind) ||
    (cause.scope.kind === 'config' && symptom.scope.kind === 'runner');
  const placesOf = ({ scope }: Cause): readonly string[] =>
    context.runners
      .filter(({ id }) => scope.runners.includes(id))
      .map(({ id, endpoint }) => (isByEntry ? id : (endpoint ?? id)));
  const places = new Set(placesOf(cause));
  return placesOf(symptom).some((place) => places.has(place));
}
