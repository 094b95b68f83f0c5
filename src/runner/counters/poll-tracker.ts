/**
 * Compares the runner's counters with the previous reading: which entries poll, with which result, and which have
 * stopped. A restarted process begins again at zero.
 */
import type { Clock, Instant } from '../../core/clock.ts';
import type { Fact } from '../../core/finding.ts';
import type { EventKind, RunnerEvent } from '../../core/runner-event.ts';
import { addSighting } from '../../core/sightings.ts';
import type { EntryCounters, RunnerCounters } from './counters.ts';

/** How long an increase counts as current. */
const EVENT_SECONDS = 600;

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

  update(counters: RunnerCounters): PollSummary {
    if (this.#isNewProcess(counters)) this.#reset();
    this.#startedSeconds = counters.startedSeconds;
    const now = this.#clock.seconds();
    this.#entries = new Map(
      [...counters.entries].map(([runner, entry]) => [runner, this.#entry(runner, entry, now)]),
    );
    this.#compareErrors(counters);
    const flat = [...this.#entries.values()].filter(({ counters: own }) => own.polls.size > 0);
    return {
      events: [...this.#currentEvents(), ...statesOf(counters, this.#clock.wall())],
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
    if (before === undefined) return { counters, flatSince: now };
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

  #record({ kind, runner, by, status }: Rise): void {
    const at = this.#clock.wall();
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
