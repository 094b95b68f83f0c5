/**
 * May this host send GitLab one more request now?
 *
 * Promise (docs/reference/promises.md#load-on-gitlab): budgeted requests stay under `requestsPerHour` in any
 * window of one hour for the whole host, whatever is due, restarts or flaps; beside them only a reserve of six an hour
 * for links that the runner itself contradicts, or whose failure is of an address that the name has left; after 429 or Retry-After an endpoint
 * gets no requests for that long. Health requests are exempt from GitLab's throttles and only counted. Times are
 * wall clock, because the window is shared with other runs of the program through a file.
 */
import type { Clock, Instant } from '../core/clock.ts';
import type { Budget } from '../core/probe.ts';
import type { Pace, RequestKinds } from '../core/request.ts';

const HOUR_MILLISECONDS = 3_600_000;
export const RESERVE_PER_HOUR = 6;

/** What is saved across restarts. */
export interface SavedBudget {
  /** When budgeted requests were sent within the last hour. */
  readonly sentAt: readonly Instant[];
  /** The same of the reserve. */
  readonly reserveSentAt: readonly Instant[];
  /** When a key of `once` was last used. */
  readonly onceAt: Readonly<Record<string, Instant>>;
  /** Until when an endpoint asked for no requests. */
  readonly pausedUntil: Readonly<Record<string, Instant>>;
}

export const EMPTY_BUDGET: SavedBudget = {
  sentAt: [],
  reserveSentAt: [],
  onceAt: {},
  pausedUntil: {},
};

export class RequestBudget implements Budget {
  readonly #clock: Clock;
  readonly #kinds: RequestKinds;
  #requestsPerHour: number;
  readonly #counts = new Map<string, { target: string; kind: string; count: number }>();
  #pausedUntil = new Map<string, Instant>();
  #onceAt = new Map<string, Instant>();
  #sentAt: readonly Instant[] = [];
  #reserveSentAt: readonly Instant[] = [];

  /** What it is for is not delayed by what was sent before. */
  readonly reserve: Budget = {
    allows: (kind, target, others) => this.#allowsReserve(kind, target, others),
    take: (kind, target) => this.#takeReserve(kind, target),
    once: (key) => this.once(key, 0),
    isPaused: (target) => this.isPaused(target),
    pause: (target, seconds) => this.pause(target, seconds),
  };

  constructor(
    clock: Clock,
    kinds: RequestKinds,
    requestsPerHour: number,
    saved: SavedBudget = EMPTY_BUDGET,
  ) {
    this.#clock = clock;
    this.#kinds = kinds;
    this.#requestsPerHour = requestsPerHour;
    this.restore(saved);
  }

  /** Loads what an earlier run of the program sent. */
  restore({ sentAt, reserveSentAt, onceAt, pausedUntil }: SavedBudget): void {
    this.#sentAt = sentAt;
    this.#reserveSentAt = reserveSentAt;
    this.#onceAt = new Map(Object.entries(onceAt));
    this.#pausedUntil = new Map(Object.entries(pausedUntil));
  }

  /** Sets a new budget; requests already sent and Retry-After times are kept. */
  limitTo(requestsPerHour: number): void {
    this.#requestsPerHour = requestsPerHour;
  }

  allows(kind: string, target: string, others = 0): boolean {
    const pace = this.#paceOf(kind);
    if (pace === 'counted') return true;
    if (this.isPaused(target)) return false;
    if (pace === 'paced') return true;
    return withinHour(this.#sentAt, this.#clock.wall()).length + others < this.#requestsPerHour;
  }

  take(kind: string, target: string): boolean {
    if (!this.allows(kind, target)) return false;
    if (this.#paceOf(kind) === 'budgeted') {
      const now = this.#clock.wall();
      this.#sentAt = [...withinHour(this.#sentAt, now), now];
    }
    this.#count(kind, target);
    return true;
  }

  once(key: string, seconds: number): boolean {
    const now = this.#clock.wall();
    const last = this.#onceAt.get(key);
    // A last use in the future means that the wall clock was set back: it proves nothing.
    if (last !== undefined && last <= now && now - last < seconds * 1000) return false;
    this.#onceAt = new Map(withinHourByKey(this.#onceAt, now)).set(key, now);
    return true;
  }

  pause(target: string, seconds: number): void {
    const until = this.#clock.wall() + seconds * 1000;
    this.#pausedUntil.set(target, Math.max(until, this.#pausedUntil.get(target) ?? 0));
  }

  /** Requests sent since start. */
  counts(): readonly { readonly target: string; readonly kind: string; readonly count: number }[] {
    return [...this.#counts.values()];
  }

  saved(): SavedBudget {
    const now = this.#clock.wall();
    const onceAt = withinHourByKey(this.#onceAt, now);
    const pausedUntil = [...this.#pausedUntil].filter(([, until]) => until > now);
    return {
      sentAt: withinHour(this.#sentAt, now),
      reserveSentAt: withinHour(this.#reserveSentAt, now),
      onceAt: Object.fromEntries(onceAt),
      pausedUntil: Object.fromEntries(pausedUntil),
    };
  }

  /** The wall clock was set: the window stays one hour long. */
  shift(milliseconds: number): void {
    this.#sentAt = this.#sentAt.map((at) => at + milliseconds);
    this.#reserveSentAt = this.#reserveSentAt.map((at) => at + milliseconds);
    for (const times of [this.#onceAt, this.#pausedUntil]) {
      for (const [key, at] of times) times.set(key, at + milliseconds);
    }
  }

  isPaused(target: string): boolean {
    return (this.#pausedUntil.get(target) ?? 0) > this.#clock.wall();
  }

  #allowsReserve(kind: string, target: string, others = 0): boolean {
    if (this.#paceOf(kind) !== 'budgeted') return this.allows(kind, target);
    if (this.isPaused(target)) return false;
    return withinHour(this.#reserveSentAt, this.#clock.wall()).length + others < RESERVE_PER_HOUR;
  }

  #takeReserve(kind: string, target: string): boolean {
    if (this.#paceOf(kind) !== 'budgeted') return this.take(kind, target);
    if (!this.#allowsReserve(kind, target)) return false;
    const now = this.#clock.wall();
    this.#reserveSentAt = [...withinHour(this.#reserveSentAt, now), now];
    this.#count(kind, target);
    return true;
  }

  /** Links before the API send GitLab no request, and declare none. */
  #paceOf(kind: string): Pace {
    return this.#kinds[kind] ?? 'counted';
  }

  #count(kind: string, target: string): void {
    const key = `${kind} ${target}`;
    const entry = this.#counts.get(key) ?? { target, kind, count: 0 };
    this.#counts.set(key, { ...entry, count: entry.count + 1 });
  }
}

/** No key of `once` is asked about for longer. */
function withinHourByKey(instants: ReadonlyMap<string, Instant>, now: Instant) {
  return [...instants].filter(([, at]) => now - at < HOUR_MILLISECONDS);
}

/** Future instants are dropped: they come from a clock that has since been set back. */
function withinHour(instants: readonly Instant[], now: Instant): readonly Instant[] {
  return instants.filter((at) => at <= now && now - at < HOUR_MILLISECONDS);
}
