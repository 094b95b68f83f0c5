/** The types of a row, and how a row is compared with a report. */
import type { Report } from '../src/report/document.ts';
import type { World, WorldOptions } from './world.ts';

export interface Expectation {
  /** The id, or the ids of which one must be named. None for a row that must stay without a fault. */
  readonly cause: string | readonly string[];
  readonly severity?: 'critical' | 'warning' | 'notice' | 'info';
  /** `o/F/n/s/s/s/s`: dns, tcp, proxy, tls, http, api, token; several letters at a place are alternatives. */
  readonly chain?: string;
  /** For rows in which entries fare differently: cause (or `none`) and chain by the entry's name. */
  readonly runners?: Readonly<Record<string, { readonly cause: string; readonly chain?: string }>>;
  /** Causes that must be named beside it. */
  readonly also?: readonly string[];
  readonly verdict?: 'healthy' | 'degraded' | 'broken' | 'unsure';
  /** A text that must also be in the cause: evidence, summary or fix. */
  readonly says?: RegExp;
}

export interface FaultRow {
  readonly id: string;
  readonly title: string;
  /** How the healthy world differs from the usual one. */
  readonly world?: WorldOptions;
  readonly inject: (world: World) => Promise<unknown> | void;
  readonly expect: Expectation;
  /** Causes that must not be named while the right one is. */
  readonly mustNot: readonly string[];
  /** Beside undoing what `inject` did; the world undoes most by itself. */
  readonly recover?: (world: World) => Promise<unknown> | void;
  /** The fault ends by itself: the runner is not told, so that its log says nothing of the end. */
  readonly endsAlone?: boolean;
  /** The fix that the report prints; it is run instead of undoing the fault, and must make the world healthy. */
  readonly fix?: {
    readonly reported: RegExp;
    readonly apply: (world: World) => Promise<unknown> | void;
  };
  /** A further condition at the end; a returned text says what is not true. */
  readonly holds?: (
    world: World,
    since: number,
  ) => string | undefined | Promise<string | undefined>;
  /**
   * What the runner itself logs meanwhile. By default, a runner that lost GitLab by a critical cause must log that it
   * cannot check for jobs; `nothing` is for faults in which it logs nothing.
   */
  readonly runnerLogs?: RegExp | 'nothing';
  /** No other cause is named on the way, and after the repair the verdict changes once, to healthy. */
  readonly isStraight?: boolean;
  /** Causes that are true between two steps of the repair; whether they are seen depends on the moment. */
  readonly betweenSteps?: readonly string[];
  /** A further condition after the repair; a returned text says what is not true. */
  readonly ends?: (world: World) => Promise<string | undefined>;
  /** Not all of it may be read, so that the verdict without a fault is unsure. */
  readonly isUnsure?: boolean;
  /** Only several rounds show it, so `check` sees nothing. */
  readonly needsHistory?: boolean;
  /** The fault is there before the daemon starts, since its check runs once an hour. */
  readonly startsBroken?: boolean;
  /** The fault comes and goes: `check` in one round may see nothing of it. */
  readonly isIntermittent?: boolean;
}

export interface HealthyRow {
  readonly id: string;
  readonly title: string;
  readonly world?: WorldOptions;
  /** Something odd that happens while it is watched. */
  readonly act?: (world: World) => Promise<unknown> | void;
  /** The runner logs a failed poll now and then, as it does in healthy life. */
  readonly runnerIsTroubled?: boolean;
  /** Not all of it may be read, so that the verdict must be unsure. */
  readonly isUnsure?: boolean;
  /** For a while something cannot be asked, so that the verdict may be unsure then. */
  readonly isUnsureMeanwhile?: boolean;
  /** Causes of severity notice or info that may be named; all others fail the row. */
  readonly allowed: readonly string[];
}

/** A row that cannot be built here. */
export interface MissingRow {
  readonly id: string;
  readonly title: string;
  readonly cannot: string;
}

export type Row = FaultRow | HealthyRow | MissingRow;

export function isFault(row: Row): row is FaultRow {
  return 'inject' in row;
}

export function isMissing(row: Row): row is MissingRow {
  return 'cannot' in row;
}

const LETTERS: Readonly<Record<string, string>> = {
  pass: 'o',
  fail: 'F',
  skipped: 's',
  warn: 'd',
  unknown: 'u',
};
const LINKS = ['dns', 'connect', 'proxy', 'tls', 'http', 'api', 'token'] as const;

type ReportedRunner = Report['runners'][number];

/** The chain of an entry in letters. */
export function chainOf({ chain }: ReportedRunner): string {
  return LINKS.map((link) => LETTERS[chain[link] ?? ''] ?? 'n').join('/');
}

export function isChain(wanted: string | undefined, runner: ReportedRunner): boolean {
  if (wanted === undefined) return true;
  const places = wanted.split('/');
  return chainOf(runner)
    .split('/')
    .every((letter, index) => places[index]?.includes(letter) === true);
}

/** What keeps the report from being as wanted, or undefined when it is. */
export function shortfall(report: Report, row: FaultRow): string | undefined {
  const { cause, severity, says } = row.expect;
  const wanted = typeof cause === 'string' ? [cause] : cause;
  const named = report.causes.find(({ id }) => wanted.includes(id));
  if (named === undefined && wanted.length > 0) return 'cause not named';
  if (severity !== undefined && named?.severity !== severity) return `severity ${named?.severity}`;
  if (says?.test(JSON.stringify(named)) === false) return `does not say ${String(says)}`;
  return (
    shortfallBeside(report, row) ??
    report.runners.map((runner) => shortfallOf(runner, row, wanted)).find(Boolean)
  );
}

/** Another verdict; what must be named too is not, or what must not be named is. */
function shortfallBeside({ causes, verdict }: Report, row: FaultRow): string | undefined {
  if ((row.expect.verdict ?? verdict) !== verdict) return `verdict ${verdict}`;
  const missing = row.expect.also?.find((other) => causes.every(({ id }) => id !== other));
  if (missing !== undefined) return `${missing} is not named`;
  const banned = causes.find(({ id }) => row.mustNot.includes(id));
  return banned && `must not name ${banned.id}`;
}

function shortfallOf(
  runner: ReportedRunner,
  { expect: { chain, runners } }: FaultRow,
  wanted: readonly string[],
): string | undefined {
  const own = runners === undefined ? { causes: wanted, chain } : namesCause(runners[runner.name]);
  if (own === undefined) return undefined;
  const isRight = own.causes.includes(runner.cause ?? 'none') || isNone(own.causes, runner);
  if (!isRight) return `${runner.name} has ${runner.cause ?? 'no cause'}`;
  return isChain(own.chain, runner) ? undefined : `${runner.name} has the chain ${chainOf(runner)}`;
}

function namesCause(own: { readonly cause: string; readonly chain?: string } | undefined) {
  return own === undefined ? undefined : { causes: [own.cause], chain: own.chain };
}

function isNone(causes: readonly string[], { cause }: ReportedRunner): boolean {
  return causes.length === 0 && cause === undefined;
}

/** `dns-timeout (o/F/n/s/s/s/s)`: a report in short, for the table. */
export function formatChain(report: Report | undefined): string {
  if (report === undefined) return 'no report';
  const causes = report.causes.map(
    ({ id, confidence }) => `${id}${confidence === 'suspected' ? '?' : ''}`,
  );
  const chains = new Set(report.runners.map((runner) => chainOf(runner)));
  return `${causes.join(', ') || report.verdict} ${[...chains].join(' ')}`;
}
