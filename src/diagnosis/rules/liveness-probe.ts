/**
 * The liveness probe of the official chart asks GitLab by `gitlab-runner verify`, for three seconds at most. What GitLab, or
 * something before it, refuses within that time counts as a dead runner: after three failures the kubelet ends it with its
 * jobs. An outage that stays silent ends nothing (docs/reference/runner-places.md#liveness-probe-of-the-chart).
 */
import type { CheckState } from '../../core/check.ts';
import { isBroken } from '../../core/check.ts';
import type { Instant } from '../../core/clock.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { RunnerTarget } from '../../core/target.ts';
import { buildCause, requireCause } from '../build-cause.ts';
import { isOfFamily } from '../catalogue/index.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { hasReason } from '../snapshot-index.ts';
import { specOfFinding } from './default.ts';

const VERIFY_SECONDS = 3;
/** One that ends sooner after the beginning of an outage has another reason: three probes have not failed yet. */
const SURVIVED_SECONDS = 20;

export function livenessProbeCauses(indexed: SnapshotIndex): readonly Cause[] {
  const { place, runners } = indexed.context;
  const [service] = indexed.statesOf('service');
  const outage = outageOf(indexed);
  if (place.livenessProbe === undefined || service === undefined || outage === undefined) return [];
  const hasEnded = hasEndedIn(outage.since, service);
  if (!hasEnded && !place.livenessProbe.isSeen) return [];
  const cause = buildCause(indexed, {
    spec: requireCause('runner-ended-by-liveness-probe'),
    states: hasEnded ? [service, outage.state] : [outage.state],
    scopeId: place.id,
    runners,
    severity: hasEnded ? 'warning' : 'notice',
    facts: { is_ended: hasEnded },
  });
  // A person may have ended it at that time.
  return [hasEnded ? { ...cause, confidence: 'suspected' } : cause];
}

interface Outage {
  readonly state: CheckState;
  readonly since: Instant;
}

/** One token that is answered with 403 is enough; of other failures the probe is content while one entry is accepted. */
function outageOf(indexed: SnapshotIndex): Outage | undefined {
  const refused = indexed.context.runners.map((runner) => refusalOf(runner, indexed));
  const known = refused.filter((state) => state !== undefined);
  const rejected = known.find((state) => isForbidden(state));
  if (rejected !== undefined) return { state: rejected, since: rejected.since };
  const [state] = known;
  if (state === undefined || known.length < refused.length) return undefined;
  return { state, since: Math.max(...known.map(({ since }) => since)) };
}

/** `verify` ends with an error for it, and bears all other answers. */
function isForbidden(state: CheckState): boolean {
  return (
    state.check.probe.id === 'token' &&
    (isOfFamily(specOfFinding(state)?.id ?? '', 'token') || hasReason(state, 'forbidden-by-edge'))
  );
}

/** The link that ends the path of an entry, seen twice, if the path ends before `verify` is given up. */
function refusalOf(runner: RunnerTarget, indexed: SnapshotIndex): CheckState | undefined {
  const links = runner.endpoint === undefined ? [] : linksOf(runner.endpoint, indexed);
  const path = [...links, indexed.tokenOf(runner)].filter((state) => state !== undefined);
  const index = path.findIndex((state) => isBroken(state));
  const broken = path[index];
  if (broken?.finding.status !== 'fail' || broken.streak < 2) return undefined;
  const seconds = path
    .slice(0, index + 1)
    .reduce((sum, { last }) => sum + (last?.durationSeconds ?? 0), 0);
  return seconds < VERIFY_SECONDS ? broken : undefined;
}

function linksOf(endpoint: string, indexed: SnapshotIndex): readonly CheckState[] {
  const target = indexed.context.endpoints.find(({ id }) => id === endpoint);
  return target === undefined ? [] : indexed.linksOf(target);
}

/** It lived on in the outage, and is gone now, or another process runs. */
function hasEndedIn(since: Instant, service: CheckState): boolean {
  if (service.finding.status !== 'pass' && !hasReason(service, 'not-running', 'restarting'))
    return false;
  const started = startOf(service);
  return service.recent.some(
    ({ finding, startedAt }) =>
      finding.status === 'pass' &&
      startedAt >= since + SURVIVED_SECONDS * 1000 &&
      startOf({ finding }) !== started,
  );
}

function startOf({ finding }: Pick<CheckState, 'finding'>): number | undefined {
  return finding.measures?.['started_timestamp_seconds'];
}
