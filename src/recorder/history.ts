/**
 * The last 24 hours, for the page: events, and one sample in five minutes of each measure that is plotted. Bounded in
 * number, for any number of runners.
 */
import type { CheckState, Snapshot } from '../core/check.ts';
import type { Instant } from '../core/clock.ts';
import type { Series, TimelineEvent } from '../core/past.ts';
import { isRecord } from '../core/json.ts';

const DAY_MILLISECONDS = 86_400_000;
const MAX_EVENTS = 200;
const MAX_SERIES = 40;
const SAMPLE_MILLISECONDS = 5000;
export const BUCKET_MILLISECONDS = 300_000;
const TONES: readonly unknown[] = ['bad', 'warn', 'good', 'note'];

export interface SavedHistory {
  readonly timeline: readonly TimelineEvent[];
  readonly series: readonly Series[];
}

type Point = Series['points'][number];

export class History {
  #timeline: readonly TimelineEvent[] = [];
  #series = new Map<string, Series>();
  #sampledAt: Instant = -Infinity;

  add(events: readonly TimelineEvent[], now: Instant): void {
    if (events.length === 0) return;
    this.#timeline = [...this.#timeline, ...events]
      .filter(({ at }) => now - at < DAY_MILLISECONDS)
      .slice(-MAX_EVENTS);
  }

  /** Adds the measures of a snapshot; within one bucket the last sample is kept. */
  sample(snapshot: Snapshot): void {
    const { checks, takenAt } = snapshot;
    const sinceSample = takenAt - this.#sampledAt;
    // Views come with every result; a set clock may also lead back.
    if (sinceSample >= 0 && sinceSample < SAMPLE_MILLISECONDS) return;
    this.#sampledAt = takenAt;
    const bucket = Math.floor(takenAt / BUCKET_MILLISECONDS) * BUCKET_MILLISECONDS;
    const sampled = checks.flatMap((state) => plottedMeasuresOf(state));
    const next = new Map(this.#series);
    for (const { key, check, measure, value } of sampled) {
      const points = next.get(key)?.points ?? [];
      next.set(key, { check, measure, points: withPoint(points, [bucket, value]) });
    }
    this.#series = new Map(
      [...next]
        .map(([key, one]): [string, Series] => [
          key,
          { ...one, points: isRecent(one.points, takenAt) },
        ])
        .filter(([, { points }]) => points.length > 0)
        .slice(0, MAX_SERIES),
    );
  }

  /** Newest first. */
  timeline(now: Instant): readonly TimelineEvent[] {
    return this.#timeline.filter(({ at }) => now - at < DAY_MILLISECONDS).toReversed();
  }

  /** When the causes began that have not been resolved since, by id. */
  appearances(now: Instant): ReadonlyMap<string, Instant> {
    const began = new Map<string, Instant>();
    for (const { at, kind, text } of this.timeline(now).toReversed()) {
      const id = text.slice(0, text.indexOf(':'));
      if (kind === 'cause appeared') began.set(id, at);
      if (kind === 'cause resolved') began.delete(id);
    }
    return began;
  }

  series(): readonly Series[] {
    return [...this.#series.values()];
  }

  save(): SavedHistory {
    return { timeline: this.#timeline, series: this.series() };
  }

  /** Restores the well-formed part of a saved state. */
  restore(memory: unknown): void {
    if (!isRecord(memory)) return;
    const { timeline, series } = memory;
    if (Array.isArray(timeline)) {
      this.#timeline = timeline.filter((item) => isEvent(item)).slice(-MAX_EVENTS);
    }
    if (Array.isArray(series)) {
      const sound = series.filter((item) => isSeries(item)).slice(0, MAX_SERIES);
      this.#series = new Map(sound.map((one) => [`${one.check}/${one.measure}`, one]));
    }
  }
}

/** Phases of the walk, and what is judged by a threshold. */
function plottedMeasuresOf({ check, finding }: CheckState) {
  const { measures } = check.probe;
  return Object.entries(finding.measures ?? {}).flatMap(([measure, value]) => {
    const spec = Object.hasOwn(measures, measure) ? measures[measure] : undefined;
    const isPlotted = spec?.as?.labels?.['phase'] !== undefined || spec?.limits !== undefined;
    if (!isPlotted || value === undefined || !Number.isFinite(value)) return [];
    const rounded = Number(value.toPrecision(4));
    return [{ key: `${check.id}/${measure}`, check: check.id, measure, value: rounded }];
  });
}

function withPoint(points: readonly Point[], point: Point): readonly Point[] {
  const before = points.at(-1)?.[0] === point[0] ? points.slice(0, -1) : points;
  return [...before, point];
}

function isRecent(points: readonly Point[], now: Instant): readonly Point[] {
  return (points[0]?.[0] ?? now) > now - DAY_MILLISECONDS
    ? points
    : points.filter(([at]) => at > now - DAY_MILLISECONDS);
}

function isEvent(item: unknown): item is TimelineEvent {
  if (!isRecord(item)) return false;
  const { at, tone, kind, text } = item;
  const isWorded = typeof kind === 'string' && typeof text === 'string';
  return isWorded && typeof at === 'number' && TONES.includes(tone);
}

function isSeries(item: unknown): item is Series {
  if (!isRecord(item)) return false;
  const { check, measure, points } = item;
  return (
    typeof check === 'string' &&
    check.includes('@') &&
    typeof measure === 'string' &&
    Array.isArray(points) &&
    points.every((point: unknown) => isPoint(point))
  );
}

function isPoint(point: unknown): point is Point {
  return (
    Array.isArray(point) && point.length === 2 && point.every((part) => typeof part === 'number')
  );
}
