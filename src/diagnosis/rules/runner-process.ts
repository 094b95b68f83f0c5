/**
 * The runner's process, judged by its service and by its own words: why it did not start, that it comes and goes,
 * stops, or stands still although everything is open (fault matrix 2.9).
 */
import type { CheckState } from '../../core/check.ts';
import type { Instant } from '../../core/clock.ts';
import type { Cause } from '../../core/diagnosis.ts';
import { draft, mustHave } from '../build-cause.ts';
import type { Picture, Seen } from '../snapshot-index.ts';
import { hasReason, isFail } from '../snapshot-index.ts';
import type { Drawn } from '../runner-events.ts';
import { drawn, openWay, seenOf } from '../runner-events.ts';
import { processCauses } from './host.ts';

/** A process that lives this long has started. */
const STARTED_SECONDS = 60;
const LOOP_STARTS = 3;
const LOOP_ENDS = 2;
/** Long polls end after less than a minute, and a poll that fails ends as well. */
const FLAT_SECONDS = 300;
/** What a start that fails looks like from outside. */
const GONE: readonly string[] = ['failed', 'crash-loop', 'not-running'];

export function runnerProcessCauses(picture: Picture): readonly Cause[] {
  const failed = startFailed(picture);
  const known = processCauses(picture).filter(
    ({ id }) => failed === undefined || id !== 'runner-start-failed',
  );
  return [
    ...(failed === undefined ? [] : [failed]),
    ...known,
    ...(known.length === 0 && failed === undefined ? crashLoop(picture) : []),
    ...shuttingDown(picture),
    ...hungByCounters(picture),
  ];
}

function serviceOf(picture: Picture): CheckState | undefined {
  return picture.statesOf('service')[0];
}

/** The fatal line says why; it counts until a process has lived. */
function startFailed(picture: Picture): Cause | undefined {
  const [fatal] = seenOf(picture, 'fatal');
  const service = serviceOf(picture);
  if (fatal === undefined || service === undefined) return undefined;
  const { process: runner, runners } = picture.surroundings;
  const { count, text, cause = '' } = fatal.sighting;
  if (isMended(cause, picture)) return undefined;
  const isGone = isFail(service) && hasReason(service, ...GONE);
  // Between two starts of a loop the process is there for moments; one that lives has started.
  const isBetween = count > 1 && runner !== undefined && ageOf(picture) < STARTED_SECONDS;
  if (!isGone && !isBetween) return undefined;
  return drawn(picture, {
    ...blamed(cause, picture),
    seen: [fatal],
    runners,
    isConfirmed: count > 1 || service.streak > 1,
    facts: { result: text },
    states: isGone ? [service] : [],
  });
}

/** Root sees nothing wrong with a file that the runner's user may not read: its last word is all there is. */
function blamed(
  cause: string,
  { surroundings: { unit, configPath } }: Picture,
): Pick<Drawn, 'spec' | 'scopeId'> {
  return cause === 'config-unreadable'
    ? { spec: mustHave(cause), scopeId: configPath }
    : { spec: mustHave('runner-start-failed'), scopeId: unit };
}

/** It ended because of its config, which loads by now, and a process is there again. */
function isMended(cause: string, picture: Picture): boolean {
  return (
    cause.startsWith('config-') &&
    picture.surroundings.process !== undefined &&
    picture.statesOf('config').every(({ finding }) => finding.status === 'pass')
  );
}

/** Of the process that is there now, in seconds; 0 without one. */
function ageOf({ surroundings: { process: runner }, snapshot }: Picture): number {
  return runner === undefined ? 0 : (snapshot.takenAt - runner.startedAt) / 1000;
}

/** Where nobody counts restarts: it says itself that it starts, and something ends it. */
function crashLoop(picture: Picture): readonly Cause[] {
  const [started] = seenOf(picture, 'started');
  const ends = seenOf(picture, 'crashed', 'exited', 'restarting');
  const ended = ends.reduce((sum, { sighting }) => sum + sighting.count, 0);
  if (started === undefined || started.sighting.count < LOOP_STARTS || ended < LOOP_ENDS) return [];
  const { runners, unit } = picture.surroundings;
  if (hasOutlived(picture, started.sighting.times)) return [];
  return [
    drawn(picture, {
      spec: mustHave('runner-crash-loop'),
      seen: [started, ...ends],
      scopeId: unit,
      runners,
      isConfirmed: true,
    }),
  ];
}

/** The process that is there now has lived for much longer than those before it: it has started for good. */
function hasOutlived(picture: Picture, starts: readonly Instant[]): boolean {
  const lives = starts.slice(1).map((at, index) => (at - (starts[index] ?? at)) / 1000);
  return ageOf(picture) > Math.max(STARTED_SECONDS, 2 * Math.max(0, ...lives));
}

function shuttingDown(picture: Picture): readonly Cause[] {
  const { process: runner, runners, unit } = picture.surroundings;
  const stopping = stoppingOf(picture);
  if (stopping === undefined || runner === undefined) return [];
  // A line of the process before this one says nothing of it.
  if (runner.startedAt > stopping.sighting.lastAt) return [];
  return [
    drawn(picture, {
      spec: mustHave('runner-shutting-down'),
      seen: [stopping],
      scopeId: unit,
      runners,
      isConfirmed: true,
    }),
  ];
}

function stoppingOf(picture: Picture): Seen | undefined {
  const [written] = seenOf(picture, 'stopping');
  const counted = seenOf(picture, 'process-state').find(({ sighting }) =>
    String(sighting.facts['state']).endsWith('shutdown'),
  );
  return written ?? counted;
}

/** Proof: its counters stand still although the way is open, it is not disabled, and it has room for jobs. */
function hungByCounters(picture: Picture): readonly Cause[] {
  const { runners, unit } = picture.surroundings;
  const [metrics] = picture.statesOf('runner-metrics');
  const flat = metrics?.finding.measures?.['without_poll_seconds'] ?? 0;
  if (metrics?.finding.status !== 'pass' || flat < FLAT_SECONDS || isExcused(picture)) return [];
  const cause = draft(picture, {
    spec: mustHave('runner-hung'),
    states: [metrics, ...picture.statesOf('service')],
    scopeId: unit,
    runners,
  });
  const [first, ...others] = cause.evidence;
  const text = `no poll of any entry has ended for ${Math.round(flat)} s, and the way to GitLab is open`;
  const since = picture.snapshot.takenAt - flat * 1000;
  const evidence = first === undefined ? [] : [{ ...first, text }, ...others];
  return [{ ...cause, since, confidence: 'confirmed', evidence }];
}

/** It need not poll, cannot, or says itself why it does not. */
function isExcused(picture: Picture): boolean {
  const { runners } = picture.surroundings;
  return (
    picture.statesOf('service').some(({ finding }) => finding.status !== 'pass') ||
    runners.every((runner) => openWay(picture, runner) === undefined) ||
    seenOf(picture, 'disabled', 'feeds-failed', 'at-capacity').length > 0 ||
    stoppingOf(picture) !== undefined
  );
}
