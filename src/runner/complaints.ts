/**
 * What the runner says against the path to GitLab: from when on, about which entry, and about which links. A pass from
 * before that moment is no proof.
 */
import { dataOf } from '../core/finding-data.ts';
import { RESPONSE_STATUS } from './log/line-data.ts';
import { POLL_WAIT } from './log/poll-wait.ts';
import type { Instant } from '../core/clock.ts';
import { FRESH_SECONDS, overdueSeconds, SETTLE_SECONDS } from '../core/poll-times.ts';
import type { EventKind, RunnerEvent } from '../core/runner-event.ts';
import type { Link } from '../core/vocabulary.ts';

export interface Complaint {
  readonly links: readonly Link[];
  /** Those of them that another request can tell about: a server that is at fault says nothing of the token. */
  readonly askedAgain: readonly Link[];
  /** When it began to complain. */
  readonly at: Instant;
  /** When it complained last. */
  readonly lastAt: Instant;
  /** From when on its silence shows that it has ended; absent for a runner that has switched itself off. */
  readonly endsAt?: Instant;
  /** From when on a further complaint is overdue, by the distance of those before: it is time to ask whether it has ended. */
  readonly overdueAt?: Instant;
  /** A poll of the entry has worked since. */
  readonly isAnswered: boolean;
  /** GitLab could not answer: the answer to one entry speaks for all. */
  readonly isServerAtFault: boolean;
  /** Short token of the entry; absent where it may be any. */
  readonly runner?: string;
  readonly text: string;
}

/** Something answered, so that the way to it is open. */
const ANSWERED: readonly Link[] = ['http', 'api', 'token'];
const UNANSWERED: readonly Link[] = ['dns', 'connect', 'proxy', 'tls', 'http'];
const REFUSED: readonly Link[] = ['token'];
/** A limit of requests says nothing against any link. */
const LIMITED = 429;
const FIRST_OF_SERVER = 500;
/** The entry cannot poll at all: no link is involved. */
const NOT_SENT: ReadonlySet<string> = new Set([
  'config-executor-unknown',
  'config-url-invalid',
  'fd-limit-reached',
  'ephemeral-ports-exhausted',
]);
/** GitLab's own answer about the token. */
export const OF_THE_TOKEN: ReadonlySet<string> = new Set(['token-rejected', 'runner-orphaned']);

const LINKS_OF: Readonly<Partial<Record<EventKind, (event: RunnerEvent) => readonly Link[]>>> = {
  'poll-failed': linksOfPoll,
  'polls-failed': linksOfPoll,
  'job-connection': linksOfPoll,
  disabled: () => REFUSED,
  token: ({ cause = '' }) => (OF_THE_TOKEN.has(cause) ? REFUSED : []),
};

/** After these the entry does not poll. */
const IS_SILENT_AFTER: ReadonlySet<EventKind> = new Set(['disabled', 'token']);

/** Kinds of event that can be a complaint. */
export const COMPLAINING = Object.keys(LINKS_OF) as readonly EventKind[];

function linksOfPoll(event: RunnerEvent): readonly Link[] {
  const { cause = '' } = event;
  const status = dataOf(event, RESPONSE_STATUS);
  if (NOT_SENT.has(cause) || status === LIMITED) return [];
  if (OF_THE_TOKEN.has(cause)) return REFUSED;
  return status === undefined ? UNANSWERED : ANSWERED;
}

/** What of all that a runner has said speaks against the path. */
export function complaintsOf(events: readonly RunnerEvent[]): readonly Complaint[] {
  const said = summaryOf(events);
  return events.flatMap((event) => complaintIn(event, said) ?? []);
}

/** Undefined for an event that says nothing against the path. */
export function complaintOf(event: RunnerEvent): Complaint | undefined {
  return complaintIn(event, summaryOf([event]));
}

function complaintIn(event: RunnerEvent, said: Said): Complaint | undefined {
  const links = LINKS_OF[event.kind]?.(event) ?? [];
  if (links.length === 0) return undefined;
  const { runner, lastAt, text } = event;
  const endsAt = endOf(event);
  const overdueAt = overdueOf(event, endsAt, said);
  const isServerAtFault = (dataOf(event, RESPONSE_STATUS) ?? 0) >= FIRST_OF_SERVER;
  const askedAgain = isServerAtFault ? links.filter((link) => link !== 'token') : links;
  return {
    links,
    askedAgain,
    at: beginOf(event),
    lastAt,
    ...(endsAt === undefined ? {} : { endsAt }),
    ...(overdueAt === undefined ? {} : { overdueAt }),
    isAnswered: (said.workedAt.get(runner ?? '') ?? 0) > lastAt,
    isServerAtFault,
    ...(runner === undefined ? {} : { runner }),
    text,
  };
}

/** When it would have complained again; a lock-out ends at a time that it says itself. */
function endOf({ kind, lastAt, facts }: RunnerEvent): Instant | undefined {
  if (!IS_SILENT_AFTER.has(kind)) return lastAt + FRESH_SECONDS * 1000;
  const until = Number(facts['until_milliseconds'] ?? Number.NaN);
  return Number.isNaN(until) ? undefined : until + FRESH_SECONDS * 1000;
}

/** What all of it says of when the entries poll. */
interface Said {
  /** When they began to poll anew, or wait until they do. */
  readonly polledFrom: Instant;
  readonly begins: readonly Instant[];
  /** With all its slots in use none of them polls. */
  readonly isFull: boolean;
  /** By entry, the last poll that worked. */
  readonly workedAt: ReadonlyMap<string, Instant>;
}

/** After these the entries poll anew. */
const BEGINS: ReadonlySet<EventKind> = new Set(['config-loaded', 'started', 'forced']);

function summaryOf(events: readonly RunnerEvent[]): Said {
  const begun = events.filter(({ kind }) => BEGINS.has(kind));
  const waits = events.flatMap((event) => waitEndOf(event) ?? []);
  const workedAt = new Map<string, Instant>();
  for (const event of events) {
    const { runner, at } = successOf(event);
    if (runner !== undefined) workedAt.set(runner, Math.max(at, workedAt.get(runner) ?? 0));
  }
  return {
    polledFrom: Math.max(0, ...waits, ...begun.map(({ lastAt }) => lastAt)),
    begins: begun.flatMap(({ marks }) => marks.map(({ at }) => at)),
    isFull: events.some(({ kind }) => kind === 'at-capacity'),
    workedAt,
  };
}

/** A counted success is of some time since the reading before. */
function successOf({ kind, runner, lastAt }: RunnerEvent) {
  if (kind === 'poll-worked') return { runner, at: lastAt };
  const isCounted = kind === 'polls-worked';
  return { runner: isCounted ? runner : undefined, at: lastAt - SETTLE_SECONDS * 1000 };
}

function waitEndOf(event: RunnerEvent): Instant | undefined {
  const wait = dataOf(event, POLL_WAIT);
  return wait && event.lastAt + wait.seconds * 1000;
}

/** Not before a wait that it has announced is over. */
function overdueOf(
  event: RunnerEvent,
  endsAt: Instant | undefined,
  { polledFrom, begins, isFull }: Said,
): Instant | undefined {
  if (IS_SILENT_AFTER.has(event.kind) || isFull) return endsAt;
  return Math.max(event.lastAt, polledFrom) + overdueSeconds(event, begins) * 1000;
}

/** Counted failures end with the next success; of those in the log, a pause ends the series. */
function beginOf({ kind, firstAt, runAt }: RunnerEvent): Instant {
  return kind === 'polls-failed' ? firstAt : runAt;
}
