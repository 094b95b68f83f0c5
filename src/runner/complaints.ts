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
export function complaintsOf(said: readonly RunnerEvent[]): readonly Complaint[] {
  return said.flatMap((event) => complaintOf(event, said) ?? []);
}

/** Undefined for an event that says nothing against the path. `said`: all that the runner has said. */
export function complaintOf(
  event: RunnerEvent,
  said: readonly RunnerEvent[] = [event],
): Complaint | undefined {
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
    isAnswered: said.some((other) => isAnswerTo(event, other)),
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

/** After these the entries poll anew. */
const BEGINS: ReadonlySet<EventKind> = new Set(['config-loaded', 'started', 'forced']);

/** Not before a wait that it has announced is over; and one with all its slots in use does not poll. */
function overdueOf(
  event: RunnerEvent,
  endsAt: Instant | undefined,
  said: readonly RunnerEvent[],
): Instant | undefined {
  if (IS_SILENT_AFTER.has(event.kind) || said.some(({ kind }) => kind === 'at-capacity'))
    return endsAt;
  const begins = said.filter(({ kind }) => BEGINS.has(kind));
  const pauses = begins.flatMap(({ marks }) => marks.map(({ at }) => at));
  const waits = said.flatMap((one) => waitEndOf(one) ?? []);
  const polledFrom = Math.max(event.lastAt, ...waits, ...begins.map(({ lastAt }) => lastAt));
  return polledFrom + overdueSeconds(event, pauses) * 1000;
}

function waitEndOf(event: RunnerEvent): Instant | undefined {
  const wait = dataOf(event, POLL_WAIT);
  return wait && event.lastAt + wait.seconds * 1000;
}

/** A counted success is of some time since the reading before. */
function isAnswerTo({ runner, lastAt }: RunnerEvent, { kind, ...other }: RunnerEvent): boolean {
  if (runner === undefined || other.runner !== runner) return false;
  if (kind === 'poll-worked') return other.lastAt > lastAt;
  return kind === 'polls-worked' && other.lastAt > lastAt + SETTLE_SECONDS * 1000;
}

/** Counted failures end with the next success; of those in the log, a pause ends the series. */
function beginOf({ kind, firstAt, runAt }: RunnerEvent): Instant {
  return kind === 'polls-failed' ? firstAt : runAt;
}
