/**
 * The first failed link of the path is the cause; it explains the links after it. A link that only
 * warns is a cause of its own and explains nothing.
 */
import { isBroken } from '../../core/check.ts';
import type { CheckState } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { CheckId, Fact } from '../../core/finding.ts';
import { dataOf } from '../../core/finding-data.ts';
import { ATTEMPTS, isFailed } from '../../go/dial/dial-judgement.ts';
import { TRIED_RUNNERS } from '../../go/dns/address-difference.ts';
import type { EndpointTarget, RunnerTarget } from '../../core/target.ts';
import { isOfFamily } from '../catalogue/index.ts';
import type { CauseSpec } from '../cause-spec.ts';
import { buildCause, mergeCauses, requireCause } from '../build-cause.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { factsOf, hasReason, isFail } from '../snapshot-index.ts';
import { refineCause } from './refine.ts';
import { isDoubt, isTokenDoubt } from './name-doubts.ts';
import { isAlternating } from './refine-web.ts';
import { isPassing, isUnseen, specOfFinding } from './default.ts';

export function pathCauses(indexed: SnapshotIndex): readonly Cause[] {
  return mergeCauses(indexed.context.endpoints.flatMap((endpoint) => causesOf(endpoint, indexed)));
}

function causesOf(endpoint: EndpointTarget, indexed: SnapshotIndex): readonly Cause[] {
  const links = indexed.linksOf(endpoint);
  const broken = brokenLink(links);
  const open = broken === undefined ? links : links.slice(0, links.indexOf(broken));
  const odd = open.filter((link) => isAlternating(link) || isLastingWarning(link));
  // Failures after it met the bad one of several backends.
  const isRoot = broken !== undefined && !odd.some((link) => isAlternating(link));
  const causes = [...(isRoot ? [broken] : []), ...odd].map((link) => ({
    link,
    cause: causeOfLink(link, endpoint, links, indexed),
  }));
  return withoutOverruledDoubt(causes);
}

interface LinkCause {
  readonly link: CheckState;
  readonly cause: Cause;
}

/** Where the link that the address fails has another cause, that one accounts for the doubt of the name, too. */
function withoutOverruledDoubt(causes: readonly LinkCause[]): readonly Cause[] {
  const doubt = causes.find(({ link }) => isDoubt(link));
  const trial = doubt && causes.find(({ link }) => link.check.probe.id === trialOf(doubt.link));
  if (doubt === undefined || trial === undefined || trial.cause.id === doubt.cause.id) {
    return causes.map(({ cause }) => cause);
  }
  const explains = [...trial.cause.explains, doubt.link.check.id];
  return causes
    .filter((one) => one !== doubt)
    .map((one) => (one === trial ? { ...one.cause, explains } : one.cause));
}

/** The link that the address in use fails, and another address passes. */
function trialOf(dns: CheckState): Fact | undefined {
  return factsOf(dns)['trial'];
}

function isLastingWarning(link: CheckState): boolean {
  return link.finding.status === 'warn' && !isPassing(link);
}

/**
 * The first failed link. A proxy that cannot be resolved or reached is a fault of the proxy, not of dns or connect, unless
 * this host reaches no address.
 */
function brokenLink(links: readonly CheckState[]): CheckState | undefined {
  const first = links.find((state) => isBroken(state));
  const proxy = links.find(
    (state) =>
      state.check.probe.id === 'proxy' &&
      hasReason(state, 'refused-by-go', 'bad-address', 'name-not-found', 'unreachable'),
  );
  return first !== undefined && isOfThisHost(first) ? first : (proxy ?? first);
}

/** It says nothing about the name or the address that it was for, so nothing about a proxy. */
function isOfThisHost(link: CheckState): boolean {
  const spec = specOfFinding(link);
  return spec?.scope === 'host' && !isOfFamily(spec.id, 'proxy');
}

function causeOfLink(
  link: CheckState,
  endpoint: EndpointTarget,
  links: readonly CheckState[],
  indexed: SnapshotIndex,
): Cause {
  const runners = affectedBy(link, indexed.runnersOf(endpoint));
  const {
    spec,
    severity,
    facts = {},
  } = refineCause(link, endpoint, indexed) ?? { spec: specOfLink(link), severity: undefined };
  return buildCause(indexed, {
    spec,
    ...(severity === undefined ? {} : { severity }),
    states: [link, ...(isBroken(link) ? sideChecks(endpoint, indexed) : [])],
    scopeId: scopeIdOf(spec, { ...factsOf(link), ...facts }, endpoint),
    runners,
    url: endpoint.id,
    facts,
    explains: explainedChecks(link, links, indexed, runners),
    ruledOut: ruledOutOf(link, links),
  });
}

/** A wrong address that is known by tokens alone affects their entries: the others are accepted there. */
function affectedBy(link: CheckState, runners: readonly RunnerTarget[]): readonly RunnerTarget[] {
  const tried = isTokenDoubt(link) ? dataOf(link.finding, TRIED_RUNNERS) : undefined;
  return tried === undefined ? runners : runners.filter(({ id }) => tried.includes(id));
}

/** Follow-ups that ran because the path is broken: the factor that changes the result. */
function sideChecks({ id }: EndpointTarget, indexed: SnapshotIndex): readonly CheckState[] {
  return indexed.followUpsOf(id).filter(({ finding }) => finding.status === 'warn');
}

function specOfLink(link: CheckState): CauseSpec {
  if (isOnlyIpv6Dead(link)) return requireCause('ipv6-path-broken');
  return specOfFinding(link) ?? requireCause('unknown');
}

/** Every address that failed is IPv6, and those that respond are not: IPv6 fails, not a server. */
function isOnlyIpv6Dead(link: CheckState): boolean {
  if (!hasReason(link, 'some-addresses-failed')) return false;
  const attempts = dataOf(link.finding, ATTEMPTS) ?? [];
  const failed = attempts.filter((attempt) => isFailed(attempt));
  const open = attempts.filter(({ outcome }) => outcome === 'ok');
  return (
    failed.length > 0 &&
    failed.every(({ address }) => address.family === 6) &&
    open.every(({ address }) => address.family === 4)
  );
}

/** The request with a token may have met the bad backend: it was answered so, or without a word about the token. */
function mayBeOfBadBackend(token: CheckState): boolean {
  return specOfFinding(token)?.isOfOneBackend === true || isUnseen(token);
}

function explainedChecks(
  link: CheckState,
  links: readonly CheckState[],
  indexed: SnapshotIndex,
  runners: readonly RunnerTarget[],
): readonly CheckId[] {
  if (isBroken(link)) return symptomsOf(link, links, indexed, runners);
  if (isTokenDoubt(link)) {
    const tokens = runners.flatMap((runner) => indexed.tokenOf(runner) ?? []);
    return tokens.filter((token) => isFail(token)).map(({ check }) => check.id);
  }
  if (!isAlternating(link)) return [];
  const behind = links.slice(links.indexOf(link) + 1);
  const isOpen = behind.every((state) => !isFail(state));
  const tokens = runners
    .flatMap((runner) => indexed.tokenOf(runner) ?? [])
    .filter((token) => !isOpen || mayBeOfBadBackend(token));
  return [...behind, ...tokens]
    .filter(({ finding }) => finding.status !== 'pass')
    .map(({ check }) => check.id);
}

/** What failed or was skipped beside the broken link, and what only warns after it. */
function symptomsOf(
  link: CheckState,
  links: readonly CheckState[],
  indexed: SnapshotIndex,
  runners: readonly RunnerTarget[],
): readonly CheckId[] {
  const tokens = runners.flatMap((runner) => indexed.tokenOf(runner) ?? []);
  const behind = [...links.slice(links.indexOf(link) + 1), ...tokens];
  const before = links.slice(0, links.indexOf(link));
  const symptoms = [
    ...before.filter(({ finding }) => ['fail', 'skipped'].includes(finding.status)),
    ...behind.filter(({ finding }) => ['fail', 'skipped', 'warn'].includes(finding.status)),
  ];
  return symptoms.map(({ check }) => check.id);
}

/** A fault of this host's resolver or proxy is one fault, however many endpoints it affects. */
function scopeIdOf(
  spec: CauseSpec,
  { proxy, servers }: Readonly<Record<string, Fact>>,
  endpoint: EndpointTarget,
): string {
  if (spec.scope !== 'host') return endpoint.id;
  return String(proxy ?? servers ?? 'host');
}

/** What a pass of each link proves. */
const PROVEN: Readonly<Record<string, { readonly id: string; readonly because: string }>> = {
  dns: { id: 'dns-name-not-found', because: 'the name resolves' },
  connect: { id: 'tcp-connect-timeout', because: 'the port accepts connections' },
  proxy: { id: 'proxy-connect-denied', because: 'the proxy connects to GitLab' },
  tls: { id: 'tls-unknown-authority', because: 'the runner accepts the certificate' },
  http: { id: 'gitlab-not-responding', because: 'the web server answers' },
  api: { id: 'not-a-gitlab-server', because: "GitLab's API answers" },
};

export function ruledOutOf(link: CheckState, links: readonly CheckState[]): Cause['ruledOut'] {
  const before = links.includes(link) ? links.slice(0, links.indexOf(link)) : links;
  return before.flatMap(({ check, finding }) => {
    const proven = PROVEN[check.probe.id];
    if (finding.status !== 'pass' || proven === undefined) return [];
    // An address needs no lookup, so that nothing about names is ruled out.
    if (finding.facts?.['source'] === 'literal') return [];
    const where = check.probe.id === 'dns' ? String(finding.facts?.['addresses'] ?? '') : '';
    return [where === '' ? proven : { ...proven, because: `${proven.because} (${where})` }];
  });
}
