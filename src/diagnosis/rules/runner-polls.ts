/**
 * The runner's own polls fail although the way is open for us: that disagreement is examined before it is told.
 * Old trust, an old proxy, a firewall rule for its user, quiet connections that are cut; what GitLab answers to its
 * kind of request alone. What none of it explains is an unknown fault, seen by the runner itself.
 */
import type { CheckState } from '../../core/check.ts';
import type { Instant } from '../../core/clock.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { Fact } from '../../core/finding.ts';
import type { EndpointTarget, RunnerTarget } from '../../core/target.ts';
import { causeSpec } from '../catalogue/index.ts';
import { mustHave } from '../draft.ts';
import type { Picture, Seen } from '../picture.ts';
import { factsOf, hasReason, isFail } from '../picture.ts';
import { drawn, openWay, seenOfRunner } from '../sightings.ts';
import { ASKED_TO_WAIT, fileLimit, rateLimited } from './runner-limits.ts';

/** After a fault is gone, a poll that began before may still end badly. */
const SETTLE_SECONDS = 15;
const LEAST_FAILURES = 3;
const LEAST_SPAN_SECONDS = 20;
/** The longest a poll takes to fail, and the wait for the next one. */
const FRESH_SECONDS = 100;
/** What fails in a rhythm is over when it misses its turn more than once. */
const MISSED_TURNS = 3;
const LEAST_FRESH_SECONDS = 20;
/** Much longer than a short request. */
const LEAST_HELD_SECONDS = 7;
/** GitLab itself holds a poll for 50 s, and the next one begins some seconds later: longer is its own delay. */
const LONGEST_HELD_SECONDS = 58;
/** What has a rule of its own, whatever the way. */
const TOLD_ANYWAY: ReadonlySet<string> = new Set(['fd-limit-reached', ...ASKED_TO_WAIT]);

interface Failing {
  readonly runner: RunnerTarget;
  readonly seen: Seen;
  /** Failures since the way has been open. */
  readonly times: readonly Instant[];
  readonly endpoint: EndpointTarget;
  readonly links: readonly CheckState[];
}

export function pollCauses(picture: Picture): readonly Cause[] {
  const { runners } = picture.surroundings;
  const failing = runners.flatMap((runner) => failingOf(picture, runner) ?? []);
  return [
    ...fileLimit(picture),
    ...runners.flatMap((runner) => rateLimited(picture, runner)),
    ...merged(failing.flatMap((one) => explained(picture, one) ?? [])),
  ];
}

/** Of several wordings the last one; none when it may be over, or was before the way was open. */
function failingOf(picture: Picture, runner: RunnerTarget): Failing | undefined {
  const way = openWay(picture, runner);
  const token = picture.tokenOf(runner);
  if (way === undefined || (token !== undefined && isFail(token))) return undefined;
  const main = picture.surroundings.process;
  const [worked] = seenOfRunner(picture, runner, 'polls-worked', 'poll-worked');
  const begin = Math.max(
    wasEverClosed(way.states) ? way.since + SETTLE_SECONDS * 1000 : 0,
    main?.startedAt ?? 0,
    worked?.sighting.lastAt ?? 0,
  );
  const found = seenOfRunner(picture, runner, 'poll-failed')
    .filter(({ sighting }) => !TOLD_ANYWAY.has(sighting.cause ?? ''))
    .map((seen) => ({ seen, times: seen.sighting.times.filter((at) => at > begin) }))
    .find(({ times }) => isLasting(times, picture.snapshot.takenAt));
  return found && { runner, ...found, endpoint: way.endpoint, links: way.states };
}

/** Whether we saw it otherwise; what was before our first look nobody knows. */
function wasEverClosed(links: readonly CheckState[]): boolean {
  return links.some(({ recent }) =>
    recent.some(({ finding }) => finding.status !== 'pass' && finding.status !== 'warn'),
  );
}

/** The way was open long enough that what was written meanwhile speaks of now. */
function isWatched({ links, times }: Failing): boolean {
  const since = Math.max(...links.map((link) => link.since)) + SETTLE_SECONDS * 1000;
  return times.filter((at) => at > since).length >= LEAST_FAILURES;
}

/** Often enough, long enough, and up to now. */
function isLasting(times: readonly Instant[], now: Instant): boolean {
  const [first = now] = times;
  const last = times.at(-1) ?? 0;
  return (
    times.length >= LEAST_FAILURES &&
    last - first >= LEAST_SPAN_SECONDS * 1000 &&
    now - last <= freshSeconds(times) * 1000
  );
}

/** How long the last failure speaks of now: a poll that works logs nothing. */
function freshSeconds(times: readonly Instant[]): number {
  const gaps = times.slice(1).map((at, index) => (at - (times[index] ?? at)) / 1000);
  const turns = Math.max(LEAST_FRESH_SECONDS, Math.max(...gaps) * MISSED_TURNS);
  return Math.min(FRESH_SECONDS, turns);
}

interface Explanation {
  readonly id: string;
  readonly facts?: Readonly<Record<string, Fact>>;
  readonly states?: readonly CheckState[];
  readonly ruledOut?: Cause['ruledOut'];
}

type Examination = (failing: Failing, picture: Picture) => Explanation | undefined;

const EXAMINATIONS: readonly Examination[] = [
  byOldTrust,
  byOldProxy,
  byRuleForItsUser,
  byCutConnections,
  byAnswer,
];

function explained(picture: Picture, failing: Failing): Cause | undefined {
  const found = EXAMINATIONS.map((examine) => examine(failing, picture)).find(
    (one) => one !== undefined,
  );
  const { runner, seen, endpoint, links } = failing;
  // What we cannot explain may be over: only what we watched long enough is told.
  if (found === undefined && !isWatched(failing)) return undefined;
  const spec = mustHave(found?.id ?? 'unknown');
  const nearest = links.filter(({ check }) => check.probe.id === 'http');
  return drawn(picture, {
    spec,
    seen: [seen],
    scopeId: spec.scope === 'runner' ? runner.id : endpoint.id,
    runners: [runner],
    isConfirmed: found !== undefined && isWatched(failing),
    facts: { host: endpoint.url.hostname, ...found?.facts },
    states: found?.states ?? nearest,
    ruledOut: found?.ruledOut ?? ruledOutOf(seen, links),
  });
}

/** What the runner's words would mean if they were true for us, too. */
function ruledOutOf({ sighting }: Seen, links: readonly CheckState[]): Cause['ruledOut'] {
  const spec = causeSpec(sighting.cause ?? '');
  const link = spec?.from[0]?.split('/')[0];
  const passes = links.some(({ check }) => check.probe.id === link);
  return spec === undefined || !passes
    ? []
    : [{ id: spec.id, because: `the ${link} link passes for runnerwatch` }];
}

/** The files are right now and were not when the process read them: system roots are read once. */
function byOldTrust({ seen, links }: Failing, picture: Picture): Explanation | undefined {
  const { cause = '', text } = seen.sighting;
  if (!cause.startsWith('tls-') || !text.includes('x509')) return undefined;
  const tls = links.find(({ check }) => check.probe.id === 'tls');
  const { process: main } = picture.surroundings;
  const changedAt = Date.parse(String(tls === undefined ? '' : factsOf(tls)['trust_changed_at']));
  if (tls === undefined || main === undefined || !(changedAt > main.startedAt)) return undefined;
  return {
    id: 'tls-trust-not-reloaded',
    states: [tls],
    facts: {
      changed_at: new Date(changedAt).toISOString(),
      started_at: new Date(main.startedAt).toISOString(),
    },
    ruledOut: [
      { id: cause, because: 'with the files as they are now the certificate is accepted' },
    ],
  };
}

/** It goes through a proxy that is not in force for a process started now. */
function byOldProxy({ seen, endpoint }: Failing): Explanation | undefined {
  const { cause = '', text } = seen.sighting;
  if (!cause.startsWith('proxy-')) return undefined;
  const used = /proxyconnect tcp: .*?dial tcp (?<place>\S+):/.exec(text)?.groups?.['place'];
  const inForce = endpoint.proxy.kind === 'proxy' ? endpoint.proxy : undefined;
  if (inForce !== undefined && (used === undefined || used.endsWith(`:${inForce.port}`)))
    return undefined;
  return {
    id: 'proxy-setting-not-applied',
    facts: { proxy: used ?? 'the old proxy', source: 'the environment of its process' },
    ruledOut: [{ id: cause, because: 'the way that the settings of now lead is open' }],
  };
}

/** The rule names its user; ours passes. */
function byRuleForItsUser({ seen, endpoint }: Failing, picture: Picture): Explanation | undefined {
  const { cause = '' } = seen.sighting;
  if (!/^(?:tcp|firewall|network|dns)-/.test(cause)) return undefined;
  const rule = picture.statesOf('firewall').find(({ check }) => check.target.id === endpoint.id);
  if (rule === undefined || !hasReason(rule, 'rule-blocks')) return undefined;
  return { id: 'firewall-local-block', states: [rule], facts: factsOf(rule) };
}

/**
 * Each held about as long as the others, and much longer than a short request: somebody cuts quiet ones, or answers
 * in GitLab's place that it took too long.
 */
function byCutConnections({ seen, times }: Failing): Explanation | undefined {
  const { cause, text } = seen.sighting;
  const isCut = cause === 'connection-reset-midstream';
  if (!isCut && !/\b504 Gateway/.test(text)) return undefined;
  const held = times.slice(1).map((at, index) => (at - (times[index] ?? at)) / 1000);
  const shortest = Math.min(...held);
  const longest = Math.max(...held);
  if (held.length < LEAST_FAILURES - 1 || shortest < LEAST_HELD_SECONDS) return undefined;
  if (longest - shortest > Math.max(3, shortest * 0.15)) return undefined;
  if (!isCut && longest > LONGEST_HELD_SECONDS) return undefined;
  return { id: 'idle-connection-killed', facts: { held_seconds: Math.round(shortest) } };
}

/** What came back to a POST of the runner is not what comes back to our GET: its own words stand. */
function byAnswer({ seen }: Failing): Explanation | undefined {
  const { cause = '' } = seen.sighting;
  const isAnswer = /^(?:edge|gitlab|url|not-a)-/.test(cause) && !ASKED_TO_WAIT.has(cause);
  return isAnswer && causeSpec(cause) !== undefined ? { id: cause } : undefined;
}

/** One fault at one place is one cause, however many entries met it. */
function merged(causes: readonly Cause[]): readonly Cause[] {
  const groups = Map.groupBy(causes, ({ id, scope }) => `${id} ${scope.id}`);
  return [...groups.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const all = [first, ...others];
    return [
      {
        ...first,
        scope: { ...first.scope, runners: all.flatMap(({ scope }) => scope.runners) },
        since: Math.min(...all.map(({ since }) => since)),
        evidence: all.flatMap(({ evidence }) => evidence),
      },
    ];
  });
}
