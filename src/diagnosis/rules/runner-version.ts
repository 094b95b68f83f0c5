/** Is the runner more than a major version behind its GitLab? */
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import { dataOf } from '../../core/finding-data.ts';
import type { Version } from '../../core/product-version.ts';
import { RUNNER_VERSION } from '../../core/product-version.ts';
import { ROUTER_SINCE } from '../../gitlab/token-answer.ts';
import { buildCause, requireCause } from '../build-cause.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { factsOf } from '../snapshot-index.ts';
import { eventsOf } from '../runner-events.ts';

interface ReadVersion {
  readonly version: Version;
  /** The check that reports it. */
  readonly state: CheckState;
}

export function versionCauses(indexed: SnapshotIndex): readonly Cause[] {
  const own = versionOf(indexed);
  if (own === undefined) return [];
  const { runners } = indexed.context;
  const newer = runners.flatMap((runner) => {
    const token = indexed.tokenOf(runner);
    return token !== undefined && hasRouter(token) ? [{ runner, token }] : [];
  });
  const [first] = newer;
  if (first === undefined || own.version.major >= ROUTER_SINCE.major - 1) return [];
  const { text } = own.version;
  const cause = buildCause(indexed, {
    spec: requireCause('runner-outdated'),
    states: [own.state, first.token],
    scopeId: indexed.context.place.id,
    runners: newer.map(({ runner }) => runner),
    facts: { version: text, server: ROUTER_SINCE.text },
  });
  const [told, ...others] = cause.evidence;
  const said = `the runner reports version ${text}`;
  return [
    { ...cause, evidence: told === undefined ? others : [{ ...told, text: said }, ...others] },
  ];
}

/** GitLab knows a request that came with this version. */
function hasRouter(token: CheckState): boolean {
  return factsOf(token)['server_at_least'] === ROUTER_SINCE.text;
}

/** From its metrics page; without one, from the first line of its log. */
function versionOf(indexed: SnapshotIndex): ReadVersion | undefined {
  const [metrics] = indexed.statesOf('runner-metrics');
  const counted = metrics === undefined ? undefined : dataOf(metrics.finding, RUNNER_VERSION);
  if (metrics !== undefined && counted !== undefined) return { version: counted, state: metrics };
  const [written] = eventsOf(indexed, 'version');
  const startedAt = indexed.context.process?.startedAt ?? 0;
  if (written === undefined || written.event.lastAt < startedAt) return undefined;
  const version = dataOf(written.event, RUNNER_VERSION);
  return version === undefined ? undefined : { version, state: written.state };
}
