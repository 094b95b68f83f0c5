/** From an observation to a cause: the only place that fills a catalogue entry with values. */
import { dirname } from 'node:path';

import type { Check, CheckState } from '../core/check.ts';
import type { Instant } from '../core/clock.ts';
import type { Cause, Evidence, FixStep } from '../core/diagnosis.ts';
import { causeKey, step } from '../core/diagnosis.ts';
import type { CheckId, Fact } from '../core/finding.ts';
import { detailOf, isSameFinding } from '../core/finding.ts';
import { isBelow } from '../core/paths.ts';
import type { Repetition } from '../core/sightings.ts';
import { isRepeated } from '../core/sightings.ts';
import type { RunnerTarget } from '../core/target.ts';
import type { Confidence, Severity } from '../core/vocabulary.ts';
import { causeSpec, probesOf } from './catalogue/index.ts';
import { contextFor } from './cause-context.ts';
import type { CauseContext, CauseSpec } from './cause-spec.ts';
import type { SnapshotIndex } from './snapshot-index.ts';

export interface Observation {
  readonly spec: CauseSpec;
  /** The check it was read from; the first is the main one. */
  readonly states: readonly [CheckState, ...CheckState[]];
  readonly scopeId: string;
  readonly runners: readonly RunnerTarget[];
  /** URL of the cause; of the first entry by default. */
  readonly url?: string;
  readonly explains?: readonly CheckId[];
  readonly ruledOut?: Cause['ruledOut'];
  /** Where a rule overrides the severity of the main check. */
  readonly severity?: Severity;
  /** Facts beside those of the finding. */
  readonly facts?: Readonly<Record<string, Fact>>;
}

export function buildCause(indexed: SnapshotIndex, observation: Observation): Cause {
  const { spec, states, scopeId, runners, explains = [], ruledOut = [] } = observation;
  const [main] = states;
  const context = contextFor(indexed, observation);
  return {
    id: spec.id,
    severity: observation.severity ?? severityOf(spec, main),
    confidence: confidenceOf(spec, main, indexed),
    title: spec.title,
    summary: sentence(spec.says(context)),
    scope: { kind: spec.scope, id: scopeId, runners: runners.map(({ id }) => id) },
    since: main.since,
    evidence: states.map((state) => evidenceOf(state, indexed)),
    ruledOut: ruledOut.filter(({ id }) => id !== spec.id),
    fix: withHostPaths(withStart(spec, context, indexed), context),
    resolvedWhen: resolvedWhen(spec, main.check.probe.id),
    explains: [...new Set(explains)],
  };
}

const CHECK_NAMES: Readonly<Record<string, string>> = {
  dns: 'DNS',
  tls: 'TLS',
  http: 'HTTP',
  api: 'API',
};

/** An entry that several checks can observe names its first one; another one clears by itself. */
export function resolvedWhen(spec: CauseSpec, probe: string): string {
  const [first, ...others] = probesOf(spec);
  return probe !== first && others.includes(probe)
    ? `the ${CHECK_NAMES[probe] ?? probe} check passes again`
    : spec.resolvedWhen;
}

/** What stops the runner is only repaired when it runs again. */
function withStart(
  spec: CauseSpec,
  context: CauseContext,
  { context: { process: runner } }: SnapshotIndex,
): readonly FixStep[] {
  const steps = spec.fix(context);
  const { start, restart } = context.place.commands;
  const starts = steps.some(({ command }) => command === start || command === restart);
  const stopsRunner = spec.suppresses?.includes('runner-not-running') === true;
  if (runner !== undefined || starts || !stopsRunner) return steps;
  return [...steps, step('Start the runner, now and at boot.', start)];
}

const PATH = /(?<![\w/.:-])\/[\w@%+=,./-]*\w/g;

/** On the host a person finds the runner's files of a container elsewhere: a text names both paths. */
function withHostPaths(steps: readonly FixStep[], { place }: CauseContext): readonly FixStep[] {
  const { paths, files } = place;
  if (paths.container === undefined) return steps;
  const folders = [dirname(files.config), files.certs];
  const bothPaths = (path: string): string =>
    folders.some((folder) => isBelow(path, folder)) && isElsewhere(path, place)
      ? `${place.hostPath(path)} (${path} in the container)`
      : path;
  return steps.map((one) => ({ ...one, text: one.text.replaceAll(PATH, bothPaths) }));
}

/** By a number of its own container no person finds the root of a process. */
function isElsewhere(path: string, place: CauseContext['place']): boolean {
  const there = place.hostPath(path);
  return there !== path && (place.rootOnHost === undefined || !isBelow(there, '/proc'));
}

function severityOf(spec: CauseSpec, { finding }: CheckState): Severity {
  return finding.status === 'warn' ? (spec.warnSeverity ?? spec.severity) : spec.severity;
}

/** The catalogue entry; a rule with an unknown id is a bug. */
export function requireCause(id: string): CauseSpec {
  const spec = causeSpec(id);
  if (spec === undefined) throw new Error(`the catalogue has no cause ${id}`);
  return spec;
}

/** Two results in a row, unless the catalogue entry sets another number. */
function confidenceOf(
  { confirm }: CauseSpec,
  state: CheckState,
  { snapshot }: SnapshotIndex,
): Confidence {
  const { results: times, seconds } = { results: 2, seconds: 0, ...confirm };
  return isRepeatedState(state, { times, seconds }, snapshot.takenAt) ? 'confirmed' : 'suspected';
}

/** Some results in a row; those that an event brought forward do not count as more than one look. */
export function isRepeatedState(
  { check, finding, last, recent, since, streak }: CheckState,
  { times, seconds }: Repetition,
  now: Instant,
): boolean {
  const apart = times === 1 ? 0 : apartSeconds(check);
  const other = recent.findLastIndex((one) => !isSameFinding(one.finding, finding));
  const run = recent.slice(other + 1).slice(-streak);
  return isRepeated(
    {
      firstAt: Math.min(since, run[0]?.startedAt ?? since),
      lastAt: last?.startedAt ?? now,
      count: streak,
    },
    { times, seconds: Math.max(seconds, apart) },
  );
}

/** A restart takes up to ten seconds; what was seen at two turns of the check has lasted. */
const MAX_APART_SECONDS = 12;
/** Turns are not exact. */
const PART_OF_INTERVAL = 0.8;

function apartSeconds({ intervalSeconds }: Check): number {
  return Math.min(MAX_APART_SECONDS, intervalSeconds * PART_OF_INTERVAL);
}

function evidenceOf(state: CheckState, { snapshot }: SnapshotIndex): Evidence {
  const at = state.last?.startedAt ?? snapshot.takenAt;
  return { check: state.check.id, at, text: detailOf(state.finding) || `${state.check.id} passes` };
}

/** Names that keep their small letter at the start of a sentence. */
const SMALL_NAMES = new Set([
  'concurrent',
  'getent',
  'haproxy',
  'nginx',
  'runnerwatch',
  'squid',
  'systemd',
]);

/** A clause as a sentence: the first letter large, unless it starts with a path, an address or a small name. */
export function sentence(clause: string): string {
  const word = /^[a-z]+(?= )/.exec(clause)?.[0];
  const first =
    word !== undefined && !SMALL_NAMES.has(word)
      ? clause.charAt(0).toUpperCase() + clause.slice(1)
      : clause;
  return first.endsWith('.') ? first : `${first}.`;
}

/** Equal causes of one scope become one cause that concerns all of their entries. */
export function mergeCauses(causes: readonly Cause[]): readonly Cause[] {
  const groups = Map.groupBy(causes, (cause) => causeKey(cause));
  return [...groups.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const all = [first, ...others];
    const runners = [...new Set(all.flatMap(({ scope }) => scope.runners))];
    const explains = [...new Set<CheckId>(all.flatMap((cause) => cause.explains))];
    return [
      {
        ...first,
        scope: { ...first.scope, runners },
        confidence: all.some(({ confidence }) => confidence === 'confirmed')
          ? 'confirmed'
          : 'suspected',
        since: Math.min(...all.map(({ since }) => since)),
        evidence: all.flatMap(({ evidence }) => evidence),
        explains,
      },
    ];
  });
}
