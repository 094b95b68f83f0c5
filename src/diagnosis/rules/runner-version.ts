/** Is the runner more than a major version behind its GitLab? */
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import { buildCause, requireCause } from '../build-cause.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { factsOf } from '../snapshot-index.ts';
import { eventsOf } from '../runner-events.ts';

interface Version {
  readonly text: string;
  /** The check that reports it. */
  readonly state: CheckState;
}

export function versionCauses(indexed: SnapshotIndex): readonly Cause[] {
  const own = versionOf(indexed);
  const major = Number.parseInt(own?.text ?? '', 10);
  if (own === undefined || Number.isNaN(major)) return [];
  const { runners } = indexed.context;
  const newer = runners.flatMap((runner) => {
    const token = indexed.tokenOf(runner);
    const server = token === undefined ? undefined : factsOf(token)['server_at_least'];
    return token !== undefined && major < Number.parseInt(String(server), 10) - 1
      ? [{ runner, token, server: String(server) }]
      : [];
  });
  const [first] = newer;
  if (first === undefined) return [];
  const cause = buildCause(indexed, {
    spec: requireCause('runner-outdated'),
    states: [own.state, first.token],
    scopeId: indexed.context.place.id,
    runners: newer.map(({ runner }) => runner),
    facts: { version: own.text, server: first.server },
  });
  const [told, ...others] = cause.evidence;
  const text = `the runner reports version ${own.text}`;
  return [{ ...cause, evidence: told === undefined ? others : [{ ...told, text }, ...others] }];
}

/** From its metrics page; without one, from the first line of its log. */
function versionOf(indexed: SnapshotIndex): Version | undefined {
  const [metrics] = indexed.statesOf('runner-metrics');
  const counted = metrics === undefined ? undefined : factsOf(metrics)['version'];
  if (metrics !== undefined && counted !== undefined) {
    return { text: String(counted), state: metrics };
  }
  const [written] = eventsOf(indexed, 'version');
  const text = written?.event.facts['version'];
  const startedAt = indexed.context.process?.startedAt ?? 0;
  return written === undefined || text === undefined || written.event.lastAt < startedAt
    ? undefined
    : { text: String(text), state: written.state };
}
