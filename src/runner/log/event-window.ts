/**
 * The events that are still valid. Events of one kind, cause and entry are one event; it ends when it is older than
 * its kind allows, or when a later line proves the opposite. Bounded for any amount of log.
 */
import type { Instant } from '../../core/clock.ts';
import type { Fact } from '../../core/finding.ts';
import { dataOf } from '../../core/finding-data.ts';
import { goDurationSeconds } from '../../core/go-duration.ts';
import type { RunnerEvent } from '../../core/runner-event.ts';
import { addSighting, shiftSightings } from '../../core/sightings.ts';
import type { LogEvent } from './classify.ts';
import { LOG_CAUSES } from './classify.ts';
import { POLL_WAIT } from './poll-wait.ts';
import type { EventKind } from '../../core/runner-event.ts';

const MINUTE = 60;
const HOUR = 3600;

/** How long an event of a kind stays valid, in seconds. */
const LIFETIME_SECONDS: Readonly<Partial<Record<EventKind, number>>> = {
  'poll-failed': 10 * MINUTE,
  disabled: 24 * HOUR,
  'poll-worked': 24 * HOUR,
  noted: 24 * HOUR,
  version: 24 * HOUR,
  'config-not-saved': 24 * HOUR,
  'config-not-loaded': 24 * HOUR,
  'config-loaded': 24 * HOUR,
  started: 15 * MINUTE,
  exited: 15 * MINUTE,
  restarting: 15 * MINUTE,
  crashed: 15 * MINUTE,
  oom: 15 * MINUTE,
  fatal: 15 * MINUTE,
  'jobs-failing': HOUR,
  'job-ran': 24 * HOUR,
  stopping: 2 * HOUR,
  setting: 24 * HOUR,
};
const DEFAULT_LIFETIME_SECONDS = 15 * MINUTE;
/** More would be a flood of inventions: kinds, causes and entries are few. */
const MAX_EVENTS = 400;

/** A later event of one kind ends earlier ones of others: of its entry, or of all when it names none. */
const CLEARS: Readonly<Partial<Record<EventKind, readonly EventKind[]>>> = {
  'config-loaded': ['disabled', 'config-not-loaded', 'config-not-saved', 'stopping', 'stopped'],
  started: [
    'disabled',
    'config-not-saved',
    'stopping',
    'stopped',
    'setting',
    'jobs-failing',
    'not-prepared',
  ],
  // The host could prepare it.
  'job-ran': ['jobs-failing', 'not-prepared'],
  'token-worked': ['token'],
  'job-reported': ['job-connection'],
  'poll-worked': ['poll-failed', 'disabled', 'waiting'],
  forced: ['disabled'],
};

/**
 * Answers that the runner counts as unhealthy; every other end of a poll is healthy:
 * docs/reference/runner.md#outcomes-of-a-poll.
 */
const UNHEALTHY: ReadonlySet<string> = new Set([
  'token-rejected',
  'edge-waf-blocked',
  'config-url-invalid',
  'config-executor-unknown',
]);
const DISABLED_SECONDS = HOUR;
const SHORT_TOKEN_LENGTH = 9;

export interface DatedEvent extends LogEvent {
  readonly at: Instant;
  readonly text: string;
}

export class EventWindow {
  #events = new Map<string, RunnerEvent>();
  readonly #counts = new Map<string, number>(LOG_CAUSES.map((cause) => [cause, 0]));
  /** Since when an entry has had nothing but unhealthy answers. */
  #unhealthySince = new Map<string, Instant>();
  #runners: readonly string[] = [];

  /** Short tokens of the entries that there are. */
  setRunners(runners: readonly string[]): void {
    this.#runners = runners;
  }

  /** True when the event is new: it begins, or begins again after a pause. */
  add(given: DatedEvent): boolean {
    const event = this.#complete(given);
    if (event.cause !== undefined) {
      this.#counts.set(event.cause, (this.#counts.get(event.cause) ?? 0) + 1);
    }
    this.#trackHealth(event);
    this.#clear(event);
    const key = keyOf(event);
    const known = this.#events.get(key);
    // Taken out first: the map keeps the order of the last change, and the oldest goes when it is full.
    this.#events.delete(key);
    const merged = mergeEvent(known, event);
    this.#events.set(key, merged);
    const [oldest] = this.#events.keys();
    if (this.#events.size > MAX_EVENTS && oldest !== undefined) this.#events.delete(oldest);
    return merged.runAt !== known?.runAt;
  }

  /** What still holds at that time. */
  events(now: Instant): readonly RunnerEvent[] {
    const old = [...this.#events].filter(([, one]) => isExpired(one, now));
    for (const [key] of old) this.#events.delete(key);
    return [...this.#events.values()];
  }

  /** Events by the cause that they point at, since the start. */
  counts(): readonly { readonly cause: string; readonly count: number }[] {
    return [...this.#counts].map(([cause, count]) => ({ cause, count }));
  }

  /** The wall clock was set: move the times of all events by the same step. */
  shift(milliseconds: number): void {
    this.#events = new Map(
      [...this.#events].map(([key, one]) => [key, shiftSightings(one, milliseconds)]),
    );
    this.#unhealthySince = new Map(
      [...this.#unhealthySince].map(([runner, at]) => [runner, at + milliseconds]),
    );
  }

  /** Adds the entry and the end of the lockout when only the message contains them. */
  #complete(event: DatedEvent): DatedEvent {
    const { name, disabled_for: time } = event.facts;
    if (name === undefined) return event;
    const text = String(name);
    const runner = this.#runners.find((id) => text.endsWith(id)) ?? text.slice(-SHORT_TOKEN_LENGTH);
    if (event.kind !== 'disabled') return { ...event, runner };
    // It counts from the last healthy answer, which came before the first refusal.
    const from = this.#unhealthySince.get(runner) ?? event.at;
    const until = from + (goDurationSeconds(String(time)) ?? DISABLED_SECONDS) * 1000;
    return { ...event, runner, facts: { ...event.facts, until_milliseconds: until } };
  }

  #trackHealth({ kind, cause = '', runner, at }: DatedEvent): void {
    if (kind === 'config-loaded' || kind === 'started') this.#unhealthySince.clear();
    if (runner === undefined) return;
    const isUnhealthy = kind === 'poll-failed' && UNHEALTHY.has(cause);
    const isHealthy = kind === 'poll-worked' || kind === 'poll-failed';
    if (isUnhealthy) {
      if (!this.#unhealthySince.has(runner)) this.#unhealthySince.set(runner, at);
    } else if (isHealthy) this.#unhealthySince.delete(runner);
  }

  #clear({ kind, runner, at }: DatedEvent): void {
    const cleared = CLEARS[kind] ?? [];
    for (const [key, one] of this.#events) {
      const isOwn = runner === undefined || one.runner === runner;
      if (isOwn && cleared.includes(one.kind) && one.lastAt <= at) this.#events.delete(key);
    }
  }
}

function mergeEvent(known: RunnerEvent | undefined, event: DatedEvent): RunnerEvent {
  const { kind, cause, runner, at, text, data } = event;
  const facts: Readonly<Record<string, Fact>> = event.facts;
  return {
    kind,
    ...(cause === undefined ? {} : { cause }),
    ...(runner === undefined ? {} : { runner }),
    ...addSighting(known, at),
    text,
    facts,
    ...(data === undefined ? {} : { data }),
  };
}

function isExpired({ kind, lastAt }: RunnerEvent, now: Instant): boolean {
  const seconds = LIFETIME_SECONDS[kind] ?? DEFAULT_LIFETIME_SECONDS;
  return now - lastAt > seconds * 1000;
}

/** A poll that waits is known by its address alone. */
function keyOf({ kind, cause = '', runner = '', ...event }: LogEvent): string {
  return `${kind} ${cause} ${runner} ${dataOf(event, POLL_WAIT)?.url.href ?? ''}`;
}
