/**
 * Checks of a runner that lives in a container are made in its network, and mean something only while it is there: what
 * was seen of a root or a network that has ended says nothing of the runner.
 */
import type { Check } from '../core/check.ts';
import type { Finding, ProbeResult } from '../core/finding.ts';
import { placeOf } from '../core/host-context.ts';
import type { Place } from '../core/place.ts';
import type { TargetKind } from '../core/target.ts';
import { inNetworkOf } from '../host/net/network.ts';
import type { Job } from './run.ts';
import type { ToolDeps } from './tools.ts';

/** Whether the process runs is asked of the host. */
const SEEN_FROM_HOST: ReadonlySet<TargetKind> = new Set(['host', 'service']);
/** Of these nothing is known without the network of the runner. */
const IN_NETWORK: ReadonlySet<TargetKind> = new Set(['endpoint', 'runner']);

/** The job as it is done in the place of its checks. */
export function inPlace(job: Job, { contexts, clock }: ToolDeps): Job {
  const [first] = job.checks;
  if (first?.target.place === undefined) return job;
  const place = placeOf({ contexts }, first.target);
  const isSeenFromHost = SEEN_FROM_HOST.has(first.target.kind);
  if (
    place.isThere === undefined &&
    place.closed === undefined &&
    place.paths.network === undefined
  )
    return job;
  return {
    ...job,
    run: async (signal, emit, ...how) => {
      const obstacle = isSeenFromHost ? undefined : obstacleOf(first, place);
      if (obstacle !== undefined) {
        for (const check of job.checks) emit(unseen(check, obstacle, clock.wall()));
        return;
      }
      const tell = isSeenFromHost ? emit : unlessGone(place, emit);
      await inNetworkOf(place.paths, async () => await job.run(signal, tell, ...how));
    },
  };
}

function obstacleOf({ target }: Check, place: Place): Finding | undefined {
  if (place.isThere?.() === false) return gone(place);
  if (place.closed === undefined || !IN_NETWORK.has(target.kind)) return undefined;
  return { status: 'unknown', reason: 'place-closed', detail: place.closed };
}

function unlessGone(
  place: Place,
  emit: (result: ProbeResult) => void,
): (result: ProbeResult) => void {
  return (result) => {
    const isGone = result.finding.status !== 'pass' && place.isThere?.() === false;
    emit(isGone ? { ...result, finding: gone(place) } : result);
  };
}

function gone({ description }: Place): Finding {
  return { status: 'unknown', reason: 'place-gone', detail: `${description} does not run now` };
}

function unseen({ id }: Check, finding: Finding, startedAt: number): ProbeResult {
  return { check: id, startedAt, durationSeconds: 0, finding };
}
