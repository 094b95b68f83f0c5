/** Runs one row in its own world: healthy, faulty, cause reported, fault held, checked, repaired, healthy again. */
import type { Report } from '../src/report/document.ts';
import type { CheckResult } from './daemon.ts';
import {
  reportViolations,
  requestViolations,
  secretViolations,
  sizeViolations,
  MAX_RESIDENT_BYTES,
} from './invariants.ts';
import { detours } from './course.ts';
import { detailsOf, expectedOf } from './outcome-text.ts';
import type { ObservedEvent } from './observe.ts';
import { sizeAtRest, untilGood, whileGood } from './observe.ts';
import type { FaultRow, HealthyRow } from './scenario.ts';
import { runnerContradictions, runnerSuffers } from './runner-view.ts';
import { isFault, shortfall, formatChain } from './scenario.ts';
import type { World } from './world.ts';
import { buildWorld, networkFor } from './world.ts';

/**
 * The limit for an event that never comes. All other waits end with the event, because the machine may be busy and a
 * cause may need several checks.
 */
const PATIENCE_SECONDS = 180;
const HOLD_SECONDS = 4.5;
const SETTLED_MILLISECONDS = 3000;
const WATCH_SECONDS = 16;

export interface Outcome {
  readonly id: string;
  readonly expected: string;
  readonly got: string;
  readonly detectSeconds?: number;
  readonly clearSeconds?: number;
  readonly problems: readonly string[];
  /** Report and requests, for a row that failed. */
  readonly details: string;
}

export async function runRow(row: FaultRow | HealthyRow, root: string): Promise<Outcome> {
  await using stack = new AsyncDisposableStack();
  const { world: options = {} } = row;
  const network = stack.use(await networkFor(options, root));
  const world = await buildWorld(network, root, options, stack);
  const played = isFault(row) ? await playFault(row, world) : await playHealthy(row, world);
  const problems = [...played.problems, ...(await violationsAtEnd(row, world, played))];
  const details = problems.length === 0 ? '' : await detailsOf(played, world);
  return { ...played, id: row.id, expected: expectedOf(row), problems, details };
}

type PlayedRow = Omit<Outcome, 'id' | 'expected' | 'details'> & {
  readonly report: Report;
  /** The report as people read it, at the time that matters. */
  readonly text: string;
  readonly checked?: CheckResult;
};

async function playFault(row: FaultRow, world: World): Promise<PlayedRow> {
  const problems: string[] = [];
  const unhealthy = await begin(row, world);
  if (unhealthy !== undefined) return unhealthy;
  // Polls that were in flight at that moment have ended.
  const since = Date.now() + SETTLED_MILLISECONDS;
  const { daemon } = world;
  // Of a world that began broken every line counts.
  const loggedBefore = row.startsBroken === true ? 0 : (await world.runner.log()).length;
  const before = await world.files.runnerFolder();
  const lack = (report: Report) => shortfall(report, row);
  const found = await untilGood(daemon, lack, PATIENCE_SECONDS);
  const got = formatChain(found.report);
  if (found.lacks !== undefined) {
    const text = await daemon.get('/health?format=text');
    return { got, problems: [`not found: ${found.lacks}`], report: found.report, text };
  }
  const { held, checked } = await watchHeld(row, world, found, problems);
  // What changed before is known a moment after the cause.
  const text = await daemon.get('/health?format=text');
  problems.push(...[await row.holds?.(world, since)].filter((text) => text !== undefined));
  problems.push(...(await runnerContradictions(row, world, loggedBefore)));
  if ((await world.files.runnerFolder()) !== before) problems.push('the runner’s folder changed');
  const told = daemon.output().length;
  problems.push(...(await mend(row, world, text)));
  const cleared = await untilGood(
    world.daemon,
    (report) => lacksHealth(report, row) ?? stillNamed(report, row),
    PATIENCE_SECONDS,
  );
  const isClear = cleared.lacks === undefined;
  if (!isClear) problems.push(`not cleared: ${formatChain(cleared.report)}`);
  problems.push(...[await row.ends?.(world)].filter((said) => said !== undefined));
  if (row.isStraight === true) {
    const output = daemon.output();
    problems.push(...detours(row, output.slice(0, told), output.slice(told)));
  }
  return {
    got,
    problems,
    report: held.report,
    text: isClear ? text : await world.daemon.get('/health?format=text'),
    detectSeconds: found.seconds,
    clearSeconds: cleared.seconds,
    ...(checked === undefined ? {} : { checked }),
  };
}

/** The cause stays what it is, and `check` names the same; a fault that comes and goes is left alone. */
async function watchHeld(
  row: FaultRow,
  world: World,
  found: ObservedEvent,
  problems: string[],
): Promise<{ readonly held: ObservedEvent; readonly checked?: CheckResult }> {
  if (row.isIntermittent === true) return { held: found };
  const lack = (report: Report) => shortfall(report, row);
  const [held, checked] = await Promise.all([
    whileGood(world.daemon, lack, HOLD_SECONDS),
    world.check(),
  ]);
  if (held.lacks !== undefined)
    problems.push(
      `it flips: ${held.lacks} (${formatChain(held.report)}${unseenText(held.report)})`,
    );
  problems.push(...(row.needsHistory === true ? [] : differences(checked, row)));
  return { held, checked };
}

/** `; dns unknown: stale, …` for each check that could not look, since a chain alone does not say why. */
function unseenText({ checks }: Report): string {
  return checks
    .filter(({ status }) => status === 'unknown')
    .map(({ id, reason, detail }) => `; ${id} is unknown (${reason}): ${detail}`)
    .join('');
}

/** Starts the daemon and injects the fault; reports a world that was not healthy before. */
async function begin(row: FaultRow, world: World): Promise<PlayedRow | undefined> {
  if (row.startsBroken === true) {
    await row.inject(world);
    await world.startDaemon();
    return undefined;
  }
  await world.startDaemon();
  const lack = (report: Report) => lacksHealth(report, row);
  const healthy = await untilGood(world.daemon, lack, PATIENCE_SECONDS);
  if (healthy.lacks !== undefined) return await beginsBad(healthy.report, world);
  await row.inject(world);
  return undefined;
}

export function lacksHealth(
  { verdict, runners, checks }: Report,
  { isUnsure = false }: Pick<FaultRow, 'isUnsure'> = {},
): string | undefined {
  if (verdict !== (isUnsure ? 'unsure' : 'healthy')) return verdict;
  if (checks.some(({ reason }) => reason === 'not-run-yet')) return 'a check has not run yet';
  const isOpen = runners.every(({ chain }) =>
    Object.values(chain).every((status) => status === 'pass'),
  );
  return isOpen ? undefined : 'a link does not pass';
}

/** What only informs leaves the verdict healthy. */
export function stillNamed(
  { causes }: Report,
  { expect: { cause } }: FaultRow,
): string | undefined {
  return causes.find(({ id }) => [cause].flat().includes(id))?.id;
}

async function beginsBad(report: Report, { daemon }: World): Promise<PlayedRow> {
  const text = await daemon.get('/health?format=text');
  return { got: formatChain(report), problems: ['the world did not begin healthy'], report, text };
}

/** A new daemon without saved state, since the old one would check again only in an hour. */
async function forget(world: World): Promise<void> {
  await world.daemon.stop();
  await world.files.remove('/state');
  await world.startDaemon();
}

/** By the documented fix where the row has one, else by undoing. */
export async function mend(row: FaultRow, world: World, text: string): Promise<readonly string[]> {
  const { fix, recover, startsBroken, endsAlone = false } = row;
  if (fix === undefined) {
    await recover?.(world);
    await world.restore(!endsAlone);
  } else await fix.apply(world);
  if (startsBroken === true) await forget(world);
  const isShown = fix === undefined || fix.reported.test(text);
  return isShown ? [] : [`the report does not show the fix ${String(fix.reported)}`];
}

function differences({ stdout, stderr }: CheckResult, row: FaultRow): readonly string[] {
  try {
    const report = JSON.parse(stdout) as Report;
    // What needs repetition is not there after one round: names and chain must agree, not how bad it is.
    const { severity: _, ...expect } = row.expect;
    const lacks = shortfall(report, { ...row, expect });
    return lacks === undefined ? [] : [`check differs: ${lacks} (${formatChain(report)})`];
  } catch {
    return [`check printed no report: ${stdout.slice(0, 200)} ${stderr.slice(0, 400)}`];
  }
}

async function playHealthy(row: HealthyRow, world: World): Promise<PlayedRow> {
  await world.startDaemon();
  const { daemon } = world;
  const lack = (report: Report) => alarm(report, row);
  const settled = await untilGood(daemon, lack, PATIENCE_SECONDS);
  const acting = Promise.resolve(row.act?.(world));
  const held = settled.lacks === undefined ? await whileGood(daemon, lack, WATCH_SECONDS) : settled;
  await acting;
  const text = await daemon.get('/health?format=text');
  const problems =
    held.lacks === undefined ? [] : [`it alarms: ${held.lacks} ${formatChain(held.report)}`];
  problems.push(...(await runnerSuffers(row, world)));
  return { got: formatChain(held.report), problems, report: held.report, text };
}

const QUIET = new Set(['notice', 'info']);

function alarm(
  { verdict, causes, runners }: Report,
  { allowed, isUnsure = false, isUnsureMeanwhile = false }: HealthyRow,
): string | undefined {
  const mayBeUnsure = isUnsure || isUnsureMeanwhile;
  const loud = causes.find(({ id, severity }) => !allowed.includes(id) || !QUIET.has(severity));
  if (loud !== undefined) return `${loud.id} (${loud.severity})`;
  const isOdd = (verdict === 'unsure') !== isUnsure && !isUnsureMeanwhile;
  if (verdict === 'broken' || isOdd) return verdict;
  // What a permitted cause accounts for may be unknown for a while.
  const closed = runners.find(({ chain, cause }) =>
    Object.values(chain).some(
      (status) =>
        status === 'fail' ||
        (!mayBeUnsure && cause === undefined && status !== 'pass' && status !== 'warn'),
    ),
  );
  return closed === undefined ? undefined : `${closed.name} has a link that does not pass`;
}

async function violationsAtEnd(
  row: FaultRow | HealthyRow,
  world: World,
  { report, checked, text }: PlayedRow,
): Promise<readonly string[]> {
  const { daemon, gitlab } = world;
  if (daemon.hasEnded()) return ['the daemon has ended'];
  const metrics = await daemon.get('/metrics');
  const resident = sizeViolations(await sizeAtRest(daemon, MAX_RESIDENT_BYTES));
  const stopped = await daemon.stop().then(
    () => [],
    (error: unknown) => [String(error)],
  );
  return [
    ...reportViolations(report, isFault(row) ? row.expect.also : []),
    ...requestViolations(gitlab.application.requests),
    ...resident,
    ...stopped,
    ...secretViolations({
      report: JSON.stringify(report),
      text,
      metrics,
      output: daemon.output(),
      check: `${checked?.stdout}${checked?.stderr}`,
    }),
  ];
}
