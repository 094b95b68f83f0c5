/** How long, and how often, GitLab's web server has returned the error. */
import type { CheckState } from '../../core/check.ts';
import type { Fact, Finding } from '../../core/finding.ts';
import { reasonOf } from '../../core/finding.ts';
import type { EventKind } from '../../core/runner-event.ts';
import type { EndpointTarget } from '../../core/target.ts';
import { AT_ONCE } from '../cause-spec.ts';
import { requireCause } from '../build-cause.ts';
import type { SnapshotIndex, ObservedEvent } from '../snapshot-index.ts';
import { factsOf, hasReason } from '../snapshot-index.ts';
import { eventsOf, eventsOfRunner } from '../runner-events.ts';
import type { Refinement } from './refinement.ts';

const RACK_ATTACK = 'Rack Attack';

/** A GitLab that worked a moment ago and now returns 502 is most likely restarting. */
const RESTART_SECONDS = 60;
/** A boot page that stays longer is not a boot: a hung Puma shows it for hours. */
const MAX_BOOT_SECONDS = 600;

export const byBootTime: Refinement = (link, _endpoint, { snapshot }) => {
  const seconds = (snapshot.takenAt - link.since) / 1000;
  if (hasReason(link, 'booting') && seconds > MAX_BOOT_SECONDS) {
    return { spec: requireCause('gitlab-bad-gateway') };
  }
  const usual = MAY_RESTART[reasonOf(link.finding) ?? ''];
  if (usual === undefined || seconds >= RESTART_SECONDS) return undefined;
  const facts = { may_restart: true };
  if (usual === 'gitlab-bad-gateway' && wasFine(link)) {
    return { spec: requireCause('gitlab-booting'), facts };
  }
  // A restart ends within that time: only an error that lasts longer is confirmed.
  const confirm = { results: 2, seconds: RESTART_SECONDS };
  return { spec: { ...requireCause(usual), confirm }, facts };
};

/** What the web server returns while GitLab behind it restarts, and the cause if it lasts. */
const MAY_RESTART: Readonly<Record<string, string>> = {
  'bad-gateway': 'gitlab-bad-gateway',
  unavailable: 'gitlab-unavailable',
};

/** The machine at this address worked a moment ago, and returns what a restart looks like. */
export function mayBeRestarting(link: CheckState, { snapshot }: SnapshotIndex): boolean {
  const isUsual = MAY_RESTART[reasonOf(link.finding) ?? ''] !== undefined;
  const seconds = (snapshot.takenAt - link.since) / 1000;
  const address = factsOf(link)['address'];
  const wasFineThere = link.recent.some(
    ({ finding }) => isGood(finding) && finding.facts?.['address'] === address,
  );
  return (isUsual || hasReason(link, 'booting')) && seconds < RESTART_SECONDS && wasFineThere;
}

function wasFine({ recent }: CheckState): boolean {
  return recent.some(({ finding }) => isGood(finding));
}

function isGood({ status }: Finding): boolean {
  return status === 'pass' || status === 'warn';
}

/** The handshake succeeds, but later than the runner waits for it. */
export const byLateHandshake: Refinement = (link) => {
  if (link.check.probe.id !== 'tls' || !hasReason(link, 'late')) return undefined;
  const spec = { ...requireCause('gitlab-slow'), confirm: { results: 2 } };
  return { spec, severity: 'critical' };
};

/** nginx only says that it requires another certificate; the handshake knows whether one was sent. */
export const byClientCertificate: Refinement = (link, endpoint, indexed) => {
  const tls = indexed.linksOf(endpoint).find(({ check }) => check.probe.id === 'tls');
  if (tls === undefined || !hasReason(link, 'client-certificate-required')) return undefined;
  const { client_state: state = 'none', client_file: file = '' } = factsOf(tls);
  if (link.check.probe.id === 'tls' || state === 'none') return undefined;
  return { spec: requireCause('tls-client-cert-invalid'), facts: { client_file: file } };
};

const MAX_RESULTS = 10;
const MIN_GOOD = 2;
/** Separate failures with good responses between them: an outage and its repair are one. */
const MIN_FAILURES = 3;
/** Older results say nothing about now. */
const ALTERNATION_SECONDS = 900;

/** One of several backends fails: the same request alternates between good and bad responses. */
export const byAlternation: Refinement = (link) => {
  if (!isAlternating(link)) return undefined;
  // All these responses are the evidence; the last one alone would restart it at each change.
  const spec = { ...requireCause('gitlab-partial-outage'), confirm: AT_ONCE };
  return { spec, severity: 'warning', facts: { attempts: answersByAddress(link) } };
};

/** `10.0.0.2: 5 of 5 fail, 10.0.0.3: 0 of 5 fail`: a failing backend is named by its own header, or by its address. */
function answersByAddress({ recent }: CheckState): string {
  const groups = Map.groupBy(looksOf(recent), ({ finding }) =>
    String(finding.facts?.['node'] ?? finding.facts?.['address'] ?? 'the address'),
  );
  return [...groups]
    .map(([address, looks]) => {
      const bad = looks.filter(({ finding }) => !isGood(finding)).length;
      return `${address}: ${bad} of ${looks.length} requests fail`;
    })
    .join(', ');
}

/** Links at which one of several backends may answer; packet loss there is not a response of one. */
const ANSWERED: Readonly<Record<string, (reason: string | undefined) => boolean>> = {
  connect: (reason) => reason === 'refused',
  tls: (reason) => reason !== 'handshake-blocked',
  http: () => true,
  api: () => true,
};

/** Also while the last response happened to be good. */
export function isAlternating({ check, recent }: CheckState): boolean {
  const looks = looksOf(recent).map(({ finding }) => finding);
  const isAnswer = ANSWERED[check.probe.id] ?? (() => false);
  if (!looks.every((finding) => isGood(finding) || isAnswer(reasonOf(finding)))) return false;
  if (failsWithAGoodCertificate(looks)) return false;
  const good = looks.map((finding) => isGood(finding));
  const goodCount = good.filter((one) => one).length;
  const failures = good.filter((one, index) => !one && good[index - 1] !== false).length;
  return goodCount >= MIN_GOOD && failures >= MIN_FAILURES;
}

function looksOf(recent: CheckState['recent']): CheckState['recent'] {
  const since = (recent.at(-1)?.startedAt ?? 0) - ALTERNATION_SECONDS * 1000;
  return recent.filter(({ startedAt }) => startedAt >= since).slice(-MAX_RESULTS);
}

/** The same certificate passes at another time, so the server is not what differs. */
function failsWithAGoodCertificate(looks: readonly Finding[]): boolean {
  const good = new Set(looks.filter((finding) => isGood(finding)).map(certificateIn));
  return looks.some((finding) => {
    const shown = certificateIn(finding);
    return !isGood(finding) && shown !== undefined && good.has(shown);
  });
}

function certificateIn({ facts }: Finding): Fact | undefined {
  return facts?.['fingerprint_sha256'];
}

/** A login protects the health page, and the runner gets through to the API: it is not affected. */
export const byOpenApi: Refinement = (link, { id }, indexed) => {
  const isAside = link.check.probe.id === 'http' && link.finding.status === 'warn';
  if (!isAside || !hasReason(link, 'login-gateway', 'redirected')) return undefined;
  const api = indexed.statesOf('api').find(({ check }) => check.target.id === id);
  if (api !== undefined && hasReason(api, 'only-monitor-refused'))
    return { spec: requireCause('monitor-blocked') };
  if (api?.finding.status !== 'pass') return undefined;
  const cause = hasReason(link, 'login-gateway') ? 'edge-auth-gateway' : 'url-redirect-breaks-post';
  return { spec: requireCause(cause), severity: 'info' };
};

/** A poll may be held for that long before its result is known. */
const SILENT_SECONDS = 65;

/** 429 for the health page, which GitLab exempts from its limits: does it affect us, or every client of this address? */
export const byThrottle: Refinement = (link, endpoint, indexed) => {
  if (link.check.probe.id !== 'http' || !hasReason(link, 'too-many-requests')) return undefined;
  if (isRunnerLimited(endpoint, indexed)) {
    const isBan = factsOf(link)['limiter'] === RACK_ATTACK;
    return isBan ? { spec: requireCause('edge-ip-banned') } : undefined;
  }
  return arePollsFine(link, endpoint, indexed)
    ? { spec: requireCause('monitor-throttled') }
    : undefined;
};

/** Refusals of a server in front of GitLab, which may be of our requests alone. */
const REFUSED = ['forbidden', 'banned', 'challenge', 'login-gateway', 'redirected'] as const;

/** We are refused, and the runner's polls work all the same. */
export const byWorkingPolls: Refinement = (link, endpoint, indexed) => {
  if (!['http', 'api'].includes(link.check.probe.id) || !hasReason(link, ...REFUSED))
    return undefined;
  // A request of the runner's kind was refused.
  if (factsOf(link)['method'] === 'POST') return undefined;
  // Silence proves nothing: a runner that was refused before us has switched itself off.
  return didPollsWork(link, endpoint, indexed)
    ? { spec: requireCause('monitor-blocked') }
    : undefined;
};

function isRunnerLimited(endpoint: EndpointTarget, indexed: SnapshotIndex): boolean {
  return indexed
    .runnersOf(endpoint)
    .flatMap((runner) => eventsOfRunner(indexed, runner, 'poll-failed', 'polls-failed'))
    .some(({ event: { cause } }) => cause === 'gitlab-rate-limited');
}

/** Its counters say so; or it had time to log a failure since, and has not. */
function arePollsFine(link: CheckState, endpoint: EndpointTarget, indexed: SnapshotIndex): boolean {
  const { since } = link;
  if (didPollsWork(link, endpoint, indexed)) return true;
  const isAfter = ({ event }: ObservedEvent): boolean => event.lastAt > since;
  const { process: main } = indexed.context;
  const isHeard = indexed.statesOf('runner-log').some(({ finding }) => finding.status === 'pass');
  const isLong = indexed.snapshot.takenAt - since > SILENT_SECONDS * 1000;
  if (main === undefined || main.startedAt > since || !isHeard || !isLong) return false;
  return !eventsOf(indexed, ...COMPLAINTS).some(isAfter);
}

function didPollsWork(
  { since }: CheckState,
  endpoint: EndpointTarget,
  indexed: SnapshotIndex,
): boolean {
  return indexed
    .runnersOf(endpoint)
    .flatMap((runner) => eventsOfRunner(indexed, runner, ...WORKED))
    .some(({ event }) => event.lastAt > since);
}

const WORKED: readonly EventKind[] = ['polls-worked', 'poll-worked'];
const COMPLAINTS: readonly EventKind[] = [
  'poll-failed',
  'polls-failed',
  'waiting',
  'poll-waits',
  'disabled',
];
