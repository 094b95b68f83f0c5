/**
 * How often something was seen, and when: enough to judge whether it is repeated, for any number of sightings. Of many
 * sightings the last ones are kept exactly, and of the older ones fewer the older they are.
 */
import type { Instant } from './clock.ts';

/** A moment, and how many sightings there had been until then, this one included. */
export interface Mark {
  readonly at: Instant;
  readonly count: number;
}

export interface Sightings {
  readonly firstAt: Instant;
  readonly lastAt: Instant;
  readonly count: number;
  /** Since when it is seen without a pause: see `isSameRun`. */
  readonly runAt: Instant;
  /** Oldest first; at most MAX_MARKS. */
  readonly marks: readonly Mark[];
}

/** Repetition is number and time: two sightings within one second are one moment. */
export interface Repetition {
  readonly times: number;
  readonly seconds: number;
}

const MAX_MARKS = 24;
/** The newest ones are never thinned out. */
const EXACT_MARKS = 12;
/** A pause of at most so many seconds is none. */
const PAUSE_SECONDS = 60;
/** What is seen every five minutes has not paused when it is seen again after six. */
const MISSED_TURNS = 3;

/** `by`: how many sightings this is, where they were only counted. */
export function addSighting(before: Sightings | undefined, at: Instant, by = 1): Sightings {
  if (before === undefined) {
    return { firstAt: at, lastAt: at, count: by, runAt: at, marks: [{ at, count: by }] };
  }
  const count = before.count + by;
  // A line that is read late is counted, and changes no order.
  const last = { at: Math.max(at, before.lastAt), count };
  const isLate = at <= before.lastAt;
  const known = isLate ? before.marks.slice(0, -1) : before.marks;
  return {
    firstAt: Math.min(at, before.firstAt),
    lastAt: last.at,
    count,
    runAt: isLate || isSameRun(before, at) ? before.runAt : at,
    marks: thin([...known, last]),
  };
}

/** Only what was seen after that moment; undefined when nothing was. */
export function sightingsAfter(all: Sightings, begin: Instant): Sightings | undefined {
  const index = all.marks.findIndex(({ at }) => at > begin);
  const first = all.marks[index];
  if (first === undefined) return undefined;
  // How many of those since the mark before it came after that moment is not known.
  const before = index === 0 ? 0 : first.count - 1;
  return {
    ...all,
    firstAt: all.firstAt > begin ? all.firstAt : first.at,
    count: all.count - before,
    runAt: Math.max(all.runAt, first.at),
    marks: all.marks.slice(index).map(({ at, count }) => ({ at, count: count - before })),
  };
}

export function isRepeated(
  { firstAt, lastAt, count }: Pick<Sightings, 'firstAt' | 'lastAt' | 'count'>,
  { times, seconds }: Repetition,
): boolean {
  return count >= times && lastAt - firstAt >= seconds * 1000;
}

/**
 * Seconds between one sighting and the next; an average where older ones were thinned out. `pauses`: a gap with one of these
 * moments in it says nothing.
 */
export function gapSecondsOf(
  { marks }: Sightings,
  pauses: readonly Instant[] = [],
): readonly number[] {
  return marks.slice(1).flatMap(({ at, count }, index) => {
    const before = marks[index] ?? { at, count: 0 };
    if (pauses.some((pause) => pause > before.at && pause <= at)) return [];
    return [(at - before.at) / 1000 / Math.max(1, count - before.count)];
  });
}

/** The wall clock was set. */
export function shiftSightings<T extends Sightings>(all: T, milliseconds: number): T {
  return {
    ...all,
    firstAt: all.firstAt + milliseconds,
    lastAt: all.lastAt + milliseconds,
    runAt: all.runAt + milliseconds,
    marks: all.marks.map(({ at, count }) => ({ at: at + milliseconds, count })),
  };
}

function isSameRun({ lastAt, marks }: Sightings, at: Instant): boolean {
  const usual = lastAt - (marks.at(-2)?.at ?? lastAt);
  return at - lastAt <= Math.max(PAUSE_SECONDS * 1000, usual * MISSED_TURNS);
}

/** Takes out the mark whose neighbours are the closest for its age. */
function thin(marks: readonly Mark[]): readonly Mark[] {
  if (marks.length <= MAX_MARKS) return marks;
  const now = marks.at(-1)?.at ?? 0;
  const widths = marks.slice(1, -EXACT_MARKS).map(({ at }, index) => {
    const [from, to] = [marks[index]?.at ?? at, marks[index + 2]?.at ?? at];
    return (to - from) / (now - at + 1);
  });
  const narrowest = widths.indexOf(Math.min(...widths)) + 1;
  return marks.filter((_mark, index) => index !== narrowest);
}
