/** A snapshot, its checks in one order, with the questions that rules ask of it. Built once per diagnosis. */
import type { CheckState, Snapshot, Surroundings } from '../core/check.ts';
import type { Finding } from '../core/finding.ts';
import { reasonOf } from '../core/finding.ts';
import type { EndpointTarget, RunnerTarget } from '../core/target.ts';
import type { Link } from '../core/words.ts';
import { LINKS } from '../core/words.ts';

export interface Picture {
  readonly snapshot: Snapshot;
  readonly surroundings: Surroundings;
  /** Links of one endpoint that apply, in the order of the walk, without the tokens. */
  linksOf(endpoint: EndpointTarget): readonly CheckState[];
  /** Entries that use an endpoint. */
  runnersOf(endpoint: EndpointTarget): readonly RunnerTarget[];
  tokenOf(runner: RunnerTarget): CheckState | undefined;
  /** All checks of a probe. */
  statesOf(probe: string): readonly CheckState[];
}

export function pictureOf(given: Snapshot): Picture {
  const snapshot = { ...given, checks: inOrder(given.checks) };
  const { surroundings } = snapshot;
  const byProbe = Map.groupBy(snapshot.checks, ({ check }) => check.probe.id);
  const byId = new Map(snapshot.checks.map((state) => [state.check.id, state]));
  return {
    snapshot,
    surroundings,
    linksOf: ({ id }) =>
      LINKS.flatMap((link) => {
        const state = byId.get(`${link}@${id}`);
        return state?.check.target.kind === 'endpoint' ? [state] : [];
      }),
    runnersOf: ({ id }) => surroundings.runners.filter(({ endpoint }) => endpoint === id),
    tokenOf: ({ id }) => byId.get(`token@${id}`),
    statesOf: (probe) => byProbe.get(probe) ?? [],
  };
}

/** By link, then by id: a judgement does not depend on the order in which checks were planned. */
function inOrder(checks: readonly CheckState[]): readonly CheckState[] {
  return checks.toSorted((a, b) => rankOf(a) - rankOf(b) || (a.check.id < b.check.id ? -1 : 1));
}

function rankOf(state: CheckState): number {
  const link = linkOf(state);
  return link === undefined ? LINKS.length : LINKS.indexOf(link);
}

export function isFail({ finding }: CheckState): boolean {
  return finding.status === 'fail';
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
