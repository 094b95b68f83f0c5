/** The snapshot of one installation and its checks in one order, with the queries that rules need. */
import type { CheckState, Snapshot } from '../core/check.ts';
import { checkId } from '../core/check.ts';
import type { RunnerContext } from '../core/host-context.ts';
import type { Finding } from '../core/finding.ts';
import { reasonOf } from '../core/finding.ts';
import type { EndpointTarget, RunnerTarget } from '../core/target.ts';
import type { Link } from '../core/vocabulary.ts';
import type { EventKind, RunnerEvent } from '../core/runner-event.ts';
import { LINKS } from '../core/vocabulary.ts';

/** What the runner logged or counted, with the check that read it. */
export interface ObservedEvent {
  readonly state: CheckState;
  readonly event: RunnerEvent;
}

export interface SnapshotIndex {
  readonly snapshot: Snapshot;
  /** The installation that is judged. */
  readonly context: RunnerContext;
  /** Links of one endpoint that apply, in the order of the walk, without the tokens. */
  linksOf(endpoint: EndpointTarget): readonly CheckState[];
  /** Entries that use an endpoint. */
  runnersOf(endpoint: EndpointTarget): readonly RunnerTarget[];
  tokenOf(runner: RunnerTarget): CheckState | undefined;
  /** All checks of a probe. */
  statesOf(probe: string): readonly CheckState[];
  /** Follow-ups that are checks of their own, at one endpoint. */
  followUpsOf(endpoint: string): readonly CheckState[];
  /** From the runner's log and counters: of some kinds, about one entry where it is known; newest first. */
  seen(kinds: readonly EventKind[], runner?: string): readonly ObservedEvent[];
}

/** Of the one installation in this snapshot. */
export function indexSnapshot(given: Snapshot): SnapshotIndex {
  const snapshot = inOrder(given);
  const [context] = snapshot.hostContext.contexts;
  const byProbe = Map.groupBy(snapshot.checks, ({ check }) => check.probe.id);
  const byId = new Map(snapshot.checks.map((state) => [state.check.id, state]));
  const seen = allSeen(['runner-log', 'runner-metrics'].flatMap((id) => byProbe.get(id) ?? []));
  const seenByKind = Map.groupBy(seen, ({ event }) => event.kind);
  const seenByRunner = Map.groupBy(seen, ({ event }) => event.runner ?? '');
  const runnersByEndpoint = Map.groupBy(context.runners, ({ endpoint }) => endpoint);
  const linksByEndpoint = new Map(
    context.endpoints.map(({ id }) => [id, linksAt(id, byId)] as const),
  );
  return {
    snapshot,
    context,
    linksOf: ({ id }) => linksByEndpoint.get(id) ?? [],
    runnersOf: ({ id }) => runnersByEndpoint.get(id) ?? [],
    tokenOf: ({ id }) => byId.get(checkId('token', id)),
    statesOf: (probe) => byProbe.get(probe) ?? [],
    followUpsOf: (id) =>
      snapshot.checks.filter(
        ({ check }) => check.probe.followUp !== undefined && check.target.id === id,
      ),
    seen: (kinds, runner) => {
      if (runner !== undefined) {
        return (seenByRunner.get(runner) ?? []).filter(({ event }) => kinds.includes(event.kind));
      }
      const found = kinds.flatMap((kind) => seenByKind.get(kind) ?? []);
      return kinds.length === 1 ? found : newestFirst(found);
    },
  };
}

function allSeen(states: readonly CheckState[]): readonly ObservedEvent[] {
  return newestFirst(
    states.flatMap((state) => (state.finding.events ?? []).map((event) => ({ state, event }))),
  );
}

function newestFirst(seen: readonly ObservedEvent[]): readonly ObservedEvent[] {
  return seen.toSorted((a, b) => b.event.lastAt - a.event.lastAt);
}

function linksAt(endpoint: string, byId: ReadonlyMap<string, CheckState>): readonly CheckState[] {
  return LINKS.flatMap((link) => {
    const state = byId.get(checkId(link, endpoint));
    return state?.check.target.kind === 'endpoint' ? [state] : [];
  });
}

/** Checks by link, then by id: a diagnosis does not depend on the order in which they were planned. */
export function inOrder(snapshot: Snapshot): Snapshot {
  const checks = snapshot.checks.toSorted(
    (a, b) => rankOf(a) - rankOf(b) || (a.check.id < b.check.id ? -1 : 1),
  );
  return { ...snapshot, checks };
}

function rankOf(state: CheckState): number {
  const link = linkOf(state);
  return link === undefined ? LINKS.length : LINKS.indexOf(link);
}

/** Checks of what the executor of an entry needs. */
export function executorsOf(indexed: SnapshotIndex, { id }: RunnerTarget): readonly CheckState[] {
  return indexed.snapshot.checks.filter(
    ({ check: { target } }) => target.kind === 'executor' && target.runners.includes(id),
  );
}

export function isFail({ finding }: CheckState): boolean {
  return finding.status === 'fail';
}

/** A finding that needs a cause. */
export function isTroubled({ finding }: Pick<CheckState, 'finding'>): boolean {
  return finding.status === 'fail' || finding.status === 'warn';
}

export function hasReason({ finding }: CheckState, ...reasons: readonly string[]): boolean {
  return reasons.includes(reasonOf(finding) ?? '');
}

export function linkOf({ check }: CheckState): Link | undefined {
  return LINKS.find((link) => link === check.probe.id);
}

/** Facts of a finding; none is an empty record. */
export function factsOf({ finding }: CheckState): NonNullable<Finding['facts']> {
  return finding.facts ?? {};
}
