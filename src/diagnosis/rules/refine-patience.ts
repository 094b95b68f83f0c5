/**
 * A link did not respond before its check gave up. That is critical only once the runner has given up too: after its own
 * time, or by its own word.
 */
import type { CheckState } from '../../core/check.ts';
import { reasonOf } from '../../core/finding.ts';
import type { EndpointTarget } from '../../core/target.ts';
import { eventsOfRunner } from '../runner-events.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { specOfFinding } from './default.ts';
import type { Refinement } from './refinement.ts';

export const byPatience: Refinement = (link, endpoint, indexed) => {
  const { patience } = link.check.probe;
  const spec = specOfFinding(link);
  if (patience === undefined || spec === undefined) return undefined;
  const silentSeconds = (indexed.snapshot.takenAt - link.since) / 1000 + patience.ownSeconds;
  const isSilence = patience.reasons.includes(reasonOf(link.finding) ?? '');
  if (!isSilence || silentSeconds >= patience.runnerSeconds) return undefined;
  if (hasRunnerGivenUp(spec.id, link, endpoint, indexed)) return undefined;
  const facts = { is_waiting: true, runner_waits: waitText(patience.runnerSeconds) };
  return { spec, severity: 'warning', facts };
};

function waitText(seconds: number): string {
  return seconds > 60 ? `${seconds / 60} minutes` : `${seconds} s`;
}

function hasRunnerGivenUp(
  cause: string,
  { since }: CheckState,
  endpoint: EndpointTarget,
  indexed: SnapshotIndex,
): boolean {
  return indexed
    .runnersOf(endpoint)
    .flatMap((runner) => eventsOfRunner(indexed, runner, 'poll-failed'))
    .some(({ event }) => event.cause === cause && event.lastAt > since);
}
