/**
 * Checks of a runner that lives in a container are made in its network, and mean something only while it is there: what
 * was seen of a root or a network that has ended says nothing of the runner.
 */
import { RESTART_SECONDS } from '../core/absences.ts';
import type { Check } from '../core/check.ts';
import type { Finding, ProbeResult } from '../core/finding.ts';
import { detailOf, reasonOf } from '../core/finding.ts';
import { dataOf } from '../core/finding-data.ts';
import { placeOf } from '../core/host-context.ts';
import type { Place } from '../core/place.ts';
import type { Target, TargetKind } from '../core/target.ts';
import { plainIdOf } from '../core/target.ts';
import { TRUSTED_HERE } from '../go/tls/handshake-facts.ts';
import { inNetworkOf } from '../host/net/network.ts';
import type { Job } from './run.ts';
import type { ToolDeps } from './tools.ts';

/** Whether the process runs is asked of the host. */
const SEEN_FROM_HOST: ReadonlySet<TargetKind> = new Set(['host', 'service']);
/** Of these nothing is known without the network of the runner. */
const IN_NETWORK: ReadonlySet<TargetKind> = new Set(['endpoint', 'runner']);

/** What is in a root that is not visible. Our own would say nothing of it. */
const OF_ITS_ROOT: ReadonlySet<TargetKind> = new Set(['mount', 'executor']);
/** Checks of its process. */
const OF_ITS_PROCESS: ReadonlySet<string> = new Set(['limits', 'cgroup']);
/** Of the trust that its image has, and of files that only its container mounts. */
/** The file may lie in the runner's container alone. */
const OF_SHARED_FILES: ReadonlySet<string> = new Set(['missing', 'not-a-file']);
const OF_ITS_TRUST: ReadonlySet<string> = new Set([
  'unknown-authority',
  'self-signed',
  'ca-file-missing',
  'ca-file-unreadable',
  'ca-file-invalid',
  'client-certificate-required',
  'client-certificate-invalid',
]);

/** The job as it is done in the place of its checks. */
export function inPlace(job: Job, deps: ToolDeps): Job {
  const { contexts } = deps;
  const [first] = job.checks;
  if (first?.target.place === undefined) return job;
  const place = placeOf({ contexts }, first.target);
  const isSeenFromHost = SEEN_FROM_HOST.has(first.target.kind) || isReadOnHost(first, place);
  if (
    place.isThere === undefined &&
    place.closed === undefined &&
    place.unseen === undefined &&
    place.withoutGroups === undefined &&
    place.paths.network === undefined
  )
    return job;
  return {
    ...job,
    run: async (signal, emit, ...how) => {
      const judge =
        place.unseen === undefined ? emit : unlessUnseen(place.unseen, emit, first.target);
      const tell = isSeenFromHost ? judge : unlessGone(place, judge, deps);
      const obstacle =
        unseenOf(first, place) ?? (isSeenFromHost ? undefined : obstacleOf(first, place));
      if (obstacle !== undefined) {
        for (const check of job.checks) tell(unseen(check, obstacle, deps.clock.wall()));
        return;
      }
      await inNetworkOf(place.paths, async () => await job.run(signal, tell, ...how));
    },
  };
}

/** Without the container: what is mounted there lies on the host. */
function isReadOnHost({ target }: Check, { paths }: Place): boolean {
  const isRead = target.kind === 'config' && target.reading.modifiedAt !== undefined;
  return isRead && paths.volumes !== undefined;
}

function obstacleOf({ target }: Check, place: Place): Finding | undefined {
  if (place.isThere?.() === false) return gone(place);
  if (place.closed === undefined || !needsNetwork(target)) return undefined;
  return { status: 'unknown', reason: 'place-closed', detail: place.closed };
}

function unseenOf(
  { probe, target }: Check,
  { unseen: why, withoutGroups }: Place,
): Finding | undefined {
  if (probe.id === 'cgroup' && withoutGroups !== undefined) return placeUnseen(withoutGroups);
  const isThere =
    (OF_ITS_ROOT.has(target.kind) && !isCluster(target)) || OF_ITS_PROCESS.has(probe.id);
  return why === undefined || !isThere ? undefined : placeUnseen(why);
}

/** What our own trust refuses, that of the runner may accept, and what ours alone accepts, it may refuse; a file that is not mounted for us, it may have. */
function unlessUnseen(
  why: string,
  emit: (result: ProbeResult) => void,
  { kind }: Target,
): (result: ProbeResult) => void {
  const [reasons, what] =
    kind === 'config'
      ? [OF_SHARED_FILES, 'whether the runner has it is not known']
      : [OF_ITS_TRUST, 'what the runner trusts is not known'];
  return (result) => {
    const { finding } = result;
    const doubt = `${what}, since ${why}`;
    if (finding.status === 'fail' && reasons.has(reasonOf(finding) ?? ''))
      emit({ ...result, finding: placeUnseen(`${detailOf(finding)}; ${doubt}`) });
    else emit({ ...result, finding: withoutOurTrust(finding, doubt) });
  };
}

/** A pass by our own trust proves nothing of the runner; a warning is true for both. */
function withoutOurTrust(finding: Finding, doubt: string): Finding {
  const authority = dataOf(finding, TRUSTED_HERE);
  if (authority === undefined || finding.status === 'fail') return finding;
  const found = `the certificate is of ${authority}, which the image of runnerwatch trusts, and not every image does; ${doubt}`;
  return finding.status === 'pass'
    ? placeUnseen(found)
    : { ...finding, detail: `${finding.detail}; ${found}` };
}

function placeUnseen(detail: string): Finding {
  return { status: 'unknown', reason: 'place-unseen', detail };
}

/** A container engine is reached by its socket, or over the network: there its name and its address mean another. */
function needsNetwork(target: Target): boolean {
  const isDialledEngine =
    target.kind === 'executor' &&
    target.backend.kind === 'docker' &&
    /^(?:tcp|https?):\/\//.test(plainIdOf(target));
  return isDialledEngine || isCluster(target) || IN_NETWORK.has(target.kind);
}

/** It is reached over the network that all containers of a pod have. */
function isCluster(target: Target): boolean {
  return target.kind === 'executor' && target.backend.kind === 'cluster';
}

/** While its container may only be restarted, what was known of the place holds. */
function unlessGone(
  place: Place,
  emit: (result: ProbeResult) => void,
  { absences, clock, known }: ToolDeps,
): (result: ProbeResult) => void {
  return (result) => {
    const isThere = place.isThere?.() ?? true;
    const goneSeconds = absences?.secondsOf(place.id, isThere, clock) ?? Infinity;
    if (isThere || result.finding.status === 'pass') emit(result);
    else if (goneSeconds > RESTART_SECONDS || known(result.check) === undefined)
      emit({ ...result, finding: gone(place) });
  };
}

function gone({ description }: Place): Finding {
  return { status: 'unknown', reason: 'place-gone', detail: `${description} does not run now` };
}

function unseen({ id }: Check, finding: Finding, startedAt: number): ProbeResult {
  return { check: id, startedAt, durationSeconds: 0, finding };
}
