/** What GitLab says about each entry's token, judged only where everything before it passes. */
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import { reasonOf } from '../../core/finding.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { specOfReason } from '../catalogue/index.ts';
import type { CauseSpec } from '../cause-spec.ts';
import { AT_ONCE } from '../cause-spec.ts';
import { buildCause, requireCause } from '../build-cause.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { factsOf, hasReason, isFail } from '../snapshot-index.ts';
import { ruledOutOf } from './path.ts';

export function tokenCauses(indexed: SnapshotIndex): readonly Cause[] {
  const judged = indexed.context.runners.flatMap((runner) => {
    const state = indexed.tokenOf(runner);
    return state !== undefined && isJudged(state)
      ? [{ runner, state, spec: specOf(state, runner, indexed) }]
      : [];
  });
  // GitLab's own state is one cause, however many tokens it affects.
  const shared = Map.groupBy(
    judged.filter(({ spec }) => spec.scope !== 'runner'),
    ({ runner, spec }) => `${spec.id} ${runner.endpoint ?? ''}`,
  );
  return [
    ...[...shared.values()].flatMap((group) => sharedCause(group, indexed)),
    ...judged
      .filter(({ spec }) => spec.scope === 'runner')
      .map(({ runner, state, spec }) => ownCause(runner, state, spec, indexed)),
  ];
}

/** Also a response that says nothing about the token, if it says something about GitLab. */
function isJudged(state: CheckState): boolean {
  if (isFail(state) || state.finding.status === 'warn') return true;
  return specOfReason('token', reasonOf(state.finding) ?? '') !== undefined;
}

/** GitLab rejects tokens for a while during its start: docs/reference/causes.md#numbers. */
const BOOTING_SECONDS = 300;
const NOT_THERE: ReadonlySet<string> = new Set(['bad-gateway', 'booting', 'unavailable']);

/** The web server showed the boot page a moment ago, and GitLab accepted this token before. */
function isBooting(state: CheckState, { endpoint }: RunnerTarget, indexed: SnapshotIndex): boolean {
  const since = indexed.snapshot.takenAt - BOOTING_SECONDS * 1000;
  const outages = indexed
    .statesOf('http')
    .filter(({ check }) => check.target.id === endpoint)
    .flatMap(({ recent }) => recent)
    .filter(({ finding }) => NOT_THERE.has(reasonOf(finding) ?? ''))
    .map(({ startedAt }) => startedAt);
  const begin = Math.min(...outages);
  const wasRefused = state.recent.some(
    ({ finding, startedAt }) => startedAt < begin && reasonOf(finding) === 'rejected',
  );
  return Math.max(...outages) > since && !wasRefused;
}

/** Maintenance ends within a day; a read-only site stays read-only. */
const READ_ONLY_SITE_SECONDS = 86_400;

function specOf(state: CheckState, runner: RunnerTarget, indexed: SnapshotIndex): CauseSpec {
  if (hasReason(state, 'rejected') && isBooting(state, runner, indexed)) {
    return requireCause('gitlab-booting');
  }
  const isLong = indexed.snapshot.takenAt - state.since > READ_ONLY_SITE_SECONDS * 1000;
  const isSite = isLong || factsOf(state)['read_only_site'] !== undefined;
  if (hasReason(state, 'read-only') && isSite) {
    return requireCause('gitlab-read-only-site');
  }
  const spec = specOfReason('token', reasonOf(state.finding) ?? '') ?? requireCause('unknown');
  // A wrong checksum is proof by itself; no request was sent.
  return hasReason(state, 'checksum-mismatch') ? { ...spec, confirm: AT_ONCE } : spec;
}

function ownCause(
  runner: RunnerTarget,
  state: CheckState,
  spec: CauseSpec,
  indexed: SnapshotIndex,
): Cause {
  return buildCause(indexed, {
    spec,
    states: [state],
    scopeId: runner.id,
    runners: [runner],
    ruledOut: exclusionsOf(runner, state, indexed),
  });
}

interface Judged {
  readonly runner: RunnerTarget;
  readonly state: CheckState;
  readonly spec: CauseSpec;
}

/** GitLab asks for a pause now and then; only one that does not end is a problem. */
const PASSING_429 = 3;

function sharedCause(group: readonly Judged[], indexed: SnapshotIndex): readonly Cause[] {
  // The most frequent result counts for all: tokens take turns while GitLab asks for fewer requests.
  const [first, ...others] = group.toSorted((a, b) => b.state.streak - a.state.streak);
  if (first === undefined) return [];
  const isPassing =
    hasReason(first.state, 'too-many-requests') && first.state.streak <= PASSING_429;
  return [
    buildCause(indexed, {
      spec: first.spec,
      ...(isPassing ? { severity: 'notice' } : {}),
      states: [first.state, ...others.map(({ state }) => state)],
      scopeId: first.runner.endpoint ?? first.runner.url,
      runners: group.map(({ runner }) => runner),
      ruledOut: exclusionsOf(first.runner, first.state, indexed),
    }),
  ];
}

function exclusionsOf(
  runner: RunnerTarget,
  state: CheckState,
  indexed: SnapshotIndex,
): Cause['ruledOut'] {
  const endpoint = indexed.context.endpoints.find(({ id }) => id === runner.endpoint);
  return endpoint === undefined ? [] : ruledOutOf(state, indexed.linksOf(endpoint));
}
