/**
 * Compares the runner's counters with the previous reading: which entries poll, with which result, and which have
 * stopped. A restarted process begins again at zero.
 */
import { dataWith } from '../../core/finding-data.ts';
import { RESPONSE_STATUS } from '../log/line-data.ts';
import type { Clock, Instant } from '../../core/clock.ts';
import type { Fact } from '../../core/finding.ts';
import type { EventKind, RunnerEvent } from '../../core/runner-event.ts';
import { addSighting } from '../../core/sightings.ts';
import type { EntryCounters, RunnerCounters } from './counters.ts';

/** How long an increase counts as current. */
const EVENT_SECONDS = 600;
/** A poll is held for less than a minute; in this time several of them have ended. */
const FROZEN_SECONDS = 300;
const MILLISECONDS = 1000;

/** Statuses of a poll that worked: a job, or none. */
const WORKED: ReadonlySet<string> = new Set(['200', '201', '204']);
const CAUSES: Readonly<Record<string, string>> = {
  '403': 'token-rejected',
  '429': 'gitlab-rate-limited',
  '500': 'gitlab-internal-error',
  '502': 'gitlab-bad-gateway',
  '503': 'gitlab-unavailable',
};
/** Of a request that sends job output: refused by a proxy in front of GitLab, or by GitLab for this one job. */
const REFUSED_TRACES: ReadonlySet<string> = new Set(['403', '413']);

interface Entry {
  readonly counters: EntryCounters;
  /** Monotonic: since when not one poll has ended. */
  readonly flatSince: number;
}

export interface PollSummary {
  readonly events: readonly RunnerEvent[];
  readonly workedPolls: number;
  readonly failedPolls: number;
  /** Since when not one poll of any entry has ended; undefined where polls are not counted. */
  readonly flatSeconds: number | undefined;
  /** The first reading of a process in which polls of an entry failed and others worked: another one tells what holds. */
  readonly isOpen: boolean;
}

export class PollTracker {
  readonly #clock: Clock;
  #startedSeconds: number | undefined;
  #entries: ReadonlyMap<string, Entry> = new Map();
  #events = new Map<string, RunnerEvent>();
  #loadErrors: number | undefined;
  #worked = 0;
  #failed = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `isSecond`: right after a first reading that left it open. */
  update(counters: RunnerCounters, isSecond = false): PollSummary {
    if (this.#isNewProcess(counters)) this.#reset();
    this.#startedSeconds = counters.startedSeconds;
    const now = this.#clock.seconds();
    const known = this.#entries;
    this.#entries = new Map(
      [...counters.entries].map(([runner, entry]) => {
        if (isSecond) this.#resolveMixed(runner, entry);
        return [runner, this.#entry(runner, entry, now)];
      }),
    );
    this.#compareErrors(counters);
    const flat = [...this.#entries.values()].filter(({ counters: own }) => own.polls.size > 0);
    return {
      events: [
        ...this.#currentEvents(),
        ...statesOf(counters, this.#clock.wall()),
        ...this.#frozen(counters, now),
      ],
      isOpen: [...this.#entries].some(
        ([runner, { counters: own }]) => !known.has(runner) && isMixed(own),
      ),
      workedPolls: this.#worked,
      failedPolls: this.#failed,
      flatSeconds:
        flat.length === 0 ? undefined : Math.min(...flat.map(({ flatSince }) => now - flatSince)),
    };
  }

  #isNewProcess({ startedSeconds, entries }: RunnerCounters): boolean {
    if (startedSeconds !== this.#startedSeconds) return true;
    return [...entries].some(([runner, { polls }]) =>
      [...polls].some(
        ([status, count]) => count < (this.#entries.get(runner)?.counters.polls.get(status) ?? 0),
      ),
    );
  }

  #reset(): void {
    this.#entries = new Map();
    this.#events = new Map();
    this.#loadErrors = undefined;
  }

  #entry(runner: string, counters: EntryCounters, now: number): Entry {
    const before = this.#entries.get(runner);
    if (before === undefined) return this.#firstSight(runner, counters, now);
    const rises = risesOf(before.counters.polls, counters.polls);
    for (const [status, by] of rises) this.#recordPolls(runner, status, by);
    for (const [status, by] of risesOf(before.counters.traces, counters.traces)) {
      if (REFUSED_TRACES.has(status)) this.#record({ kind: 'traces-refused', runner, by, status });
    }
    const fed = riseOf(before.counters.feedFailures, counters.feedFailures);
    if (fed > 0) this.#record({ kind: 'feeds-failed', runner, by: fed });
    const ill = riseOf(before.counters.healthFailures, counters.healthFailures);
    if (ill > 0) this.#record({ kind: 'health-failed', runner, by: ill });
    return { counters, flatSince: rises.length > 0 ? now : before.flatSince };
  }

  /** What the totals say of the time before: nothing worked since the process has started, or not one poll has ended. */
  #firstSight(runner: string, counters: EntryCounters, now: number): Entry {
    const { worked, failed } = totalsOf(counters);
    if (worked === 0) this.#recordTotals(runner, counters);
    const ill = counters.healthFailures ?? 0;
    if (ill > 0) this.#record({ kind: 'health-failed', runner, by: ill });
    const age = this.#clock.wall() / MILLISECONDS - (this.#startedSeconds ?? Infinity);
    const isSilent = worked + failed === 0 && counters.polls.size > 0 && age > 0;
    return { counters, flatSince: isSilent ? now - age : now };
  }

  /** Polls failed before the first reading, and since then none but such: the failures of before last still. */
  #resolveMixed(runner: string, counters: EntryCounters): void {
    const before = this.#entries.get(runner);
    if (before === undefined || !isMixed(before.counters)) return;
    const rises = risesOf(before.counters.polls, counters.polls);
    if (rises.length > 0 && rises.every(([status]) => !WORKED.has(status)))
      this.#recordTotals(runner, before.counters);
  }

  /** Failures since the process has started, up to now. */
  #recordTotals(runner: string, { polls }: EntryCounters): void {
    // The process itself starts a moment before its first poll.
    const begin = ((this.#startedSeconds ?? Infinity) + 1) * MILLISECONDS;
    const isLong = begin < this.#clock.wall();
    for (const [status, count] of polls) {
      if (WORKED.has(status) || count === 0) continue;
      const failed = { kind: 'polls-failed', runner, status } as const;
      if (isLong && count > 1) this.#record({ ...failed, by: 1, at: begin });
      this.#record({ ...failed, by: isLong && count > 1 ? count - 1 : count });
    }
  }

  /** Entries that are not held back, and of which no poll has ended for long. */
  #frozen({ concurrent, jobs, processState }: RunnerCounters, now: number): readonly RunnerEvent[] {
    const isFull = concurrent !== undefined && (jobs ?? 0) >= concurrent;
    if (isFull || processState?.endsWith('shutdown') === true) return [];
    return [...this.#entries].flatMap(([runner, { counters, flatSince }]) => {
      const isLimited = (counters.limit ?? 0) > 0 && (counters.jobs ?? 0) >= (counters.limit ?? 0);
      const seconds = Math.round(now - flatSince);
      if (isLimited || counters.polls.size === 0 || seconds < FROZEN_SECONDS) return [];
      const at = this.#clock.wall();
      const frozen = stateEvent('polls-frozen', at, { seconds });
      const text = `no poll of it has ended for ${seconds} s, by the runner's counters`;
      return [{ ...frozen, runner, firstAt: at - seconds * MILLISECONDS, text }];
    });
  }

  #recordPolls(runner: string, status: string, by: number): void {
    if (WORKED.has(status)) {
      this.#worked += by;
      for (const [key, one] of this.#events) {
        if (one.runner === runner && one.kind !== 'polls-worked') this.#events.delete(key);
      }
      this.#record({ kind: 'polls-worked', runner, by, status });
      return;
    }
    this.#failed += by;
    this.#record({ kind: 'polls-failed', runner, by, status });
  }

  #compareErrors({ configLoadErrors }: RunnerCounters): void {
    const by = riseOf(this.#loadErrors, configLoadErrors);
    this.#loadErrors = configLoadErrors;
    if (by > 0) this.#record({ kind: 'config-load-errors', by });
  }

  #record({ kind, runner, by, status, at = this.#clock.wall() }: Rise): void {
    const key = `${kind} ${runner ?? ''} ${status ?? ''}`;
    const seen = addSighting(this.#events.get(key), at, by);
    const cause = kind === 'polls-failed' ? CAUSES[status ?? ''] : undefined;
    this.#events.set(key, {
      kind,
      ...(runner === undefined ? {} : { runner }),
      ...(cause === undefined ? {} : { cause }),
      ...seen,
      text: textOf(kind, seen.count, status),
      facts: status === undefined ? {} : { status },
      ...(Number(status) > 0 ? { data: dataWith(RESPONSE_STATUS, Number(status)) } : {}),
    });
  }

  #currentEvents(): readonly RunnerEvent[] {
    const since = this.#clock.wall() - EVENT_SECONDS * 1000;
    for (const [key, { lastAt }] of this.#events) {
      if (lastAt < since) this.#events.delete(key);
    }
    return [...this.#events.values()];
  }
}

interface Rise {
  readonly kind: EventKind;
  readonly runner?: string;
  readonly by: number;
  readonly status?: string;
  /** Default: now. */
  readonly at?: Instant;
}

interface Totals {
  readonly worked: number;
  readonly failed: number;
}

function totalsOf({ polls }: EntryCounters): Totals {
  const sum = (isWanted: (status: string) => boolean): number =>
    [...polls].reduce((total, [status, count]) => total + (isWanted(status) ? count : 0), 0);
  return {
    worked: sum((status) => WORKED.has(status)),
    failed: sum((status) => !WORKED.has(status)),
  };
}

function isMixed(counters: EntryCounters): boolean {
  const { worked, failed } = totalsOf(counters);
  return worked > 0 && failed > 0;
}

function risesOf(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): readonly (readonly [string, number])[] {
  return [...after].flatMap(([status, count]) => {
    const by = count - (before.get(status) ?? 0);
    return by > 0 ? [[status, by] as const] : [];
  });
}

function riseOf(before: number | undefined, after: number | undefined): number {
  return before === undefined || after === undefined ? 0 : Math.max(0, after - before);
}

function textOf(kind: EventKind, count: number, status: string | undefined): string {
  const what = kind.replaceAll('-', ' ');
  return `the runner counted ${what}${status === undefined ? '' : ` with ${status}`}, ${count} times`;
}

/** What holds at the moment, and is no change. */
function statesOf(counters: RunnerCounters, at: Instant): readonly RunnerEvent[] {
  const { concurrent, jobs, processState, version } = counters;
  const full = [...counters.entries].filter(
    ([, entry]) => (entry.limit ?? 0) > 0 && (entry.jobs ?? 0) >= (entry.limit ?? 0),
  );
  return [
    ...(concurrent !== undefined && concurrent > 0 && (jobs ?? 0) >= concurrent
      ? [stateEvent('at-capacity', at, { jobs: jobs ?? 0, allowed: concurrent, by: 'concurrent' })]
      : []),
    ...full.map(([runner, entry]) => ({
      ...stateEvent('at-capacity', at, {
        jobs: entry.jobs ?? 0,
        allowed: entry.limit ?? 0,
        by: 'limit',
      }),
      runner,
    })),
    ...(processState?.endsWith('shutdown') === true
      ? [stateEvent('stopping', at, { state: processState })]
      : []),
    ...(version === undefined ? [] : [stateEvent('version', at, { version })]),
  ];
}

function stateEvent(
  kind: EventKind,
  at: Instant,
  facts: Readonly<Record<string, Fact>>,
): RunnerEvent {
  const said = Object.entries(facts).map(([name, value]) => `${name} ${String(value)}`);
  const text = `the runner counted ${kind.replaceAll('-', ' ')} (${said.join(', ')})`;
  return { kind, ...addSighting(undefined, at), text, facts };
}
