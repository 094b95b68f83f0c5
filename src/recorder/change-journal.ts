/** What changed, and when it was noticed. Bounded, and saved over a restart so that no change is missed. */
import type { Change } from '../core/change.ts';
import { isChangeKind } from '../core/change.ts';
import type { Instant } from '../core/clock.ts';
import { isRecord } from '../core/json.ts';
import type { Trace, TraceValue } from './trace.ts';
import { differenceOf, isLine, savedValueOf, valueOf, without } from './trace.ts';
import type { Traces } from './traces.ts';

const MAX_CHANGES = 100;
const MAX_TRACES = 200;
const KEEP_MILLISECONDS = 7 * 86_400_000;

export interface SavedJournal {
  readonly lookedAt: Instant;
  readonly traces: Readonly<Record<string, TraceValue>>;
  readonly changes: readonly Change[];
}

export class ChangeJournal {
  #traces = new Map<string, TraceValue>();
  #changes: readonly Change[] = [];
  #lookedAt: Instant = 0;

  /** Compares with the previous reading and returns the differences. A new item is not a change. */
  update(traces: Traces, at: Instant): readonly Change[] {
    const fresh = [...traces].flatMap(([what, trace]): readonly Change[] => {
      const before = this.#traces.get(what);
      const { changedAt = at } = trace;
      if (before === undefined || isSame(before, trace)) return [];
      // A file that was put into place with an old time was not that old here.
      const isLikely = changedAt > this.#lookedAt && changedAt < at;
      const time = isLikely ? { at: Math.round(changedAt) } : { at, earliest: this.#lookedAt };
      return [{ ...time, ...differenceOf(what, before, trace) }];
    });
    const values = [...traces].map(([what, trace]): [string, TraceValue] => [what, valueOf(trace)]);
    this.#traces = new Map([...this.#traces, ...values].slice(-MAX_TRACES));
    this.#lookedAt = at;
    this.#add(fresh, at);
    return fresh;
  }

  /** Something that is no state to compare, such as a step of the clock. */
  add(change: Change): void {
    this.#add([change], change.at);
  }

  /** Newest first, from `since` on. */
  changes(since: Instant): readonly Change[] {
    return this.#changes.filter(({ at }) => at >= since).toReversed();
  }

  save(): SavedJournal {
    return {
      lookedAt: this.#lookedAt,
      traces: Object.fromEntries(this.#traces),
      changes: this.#changes,
    };
  }

  /** Restores the well-formed part of a saved state. */
  restore(memory: unknown): void {
    if (!isRecord(memory)) return;
    const { traces, changes, lookedAt } = memory;
    if (typeof lookedAt === 'number') this.#lookedAt = lookedAt;
    if (isRecord(traces)) {
      this.#traces = new Map(
        Object.entries(traces)
          .flatMap(([what, saved]): readonly [string, TraceValue][] => {
            const value = savedValueOf(saved);
            return value === undefined ? [] : [[what, value]];
          })
          .slice(0, MAX_TRACES),
      );
    }
    if (Array.isArray(changes)) this.#changes = changes.filter((item) => isChange(item));
  }

  #add(fresh: readonly Change[], now: Instant): void {
    if (fresh.length === 0) return;
    this.#changes = [...this.#changes, ...fresh]
      .filter(({ at }) => now - at < KEEP_MILLISECONDS)
      .slice(-MAX_CHANGES);
  }
}

/** The lines of a file are an excerpt, and another one for other names of GitLab; its text has the digest of the whole. */
function isSame(before: TraceValue, after: Trace): boolean {
  if (before.text !== after.text || before.link !== after.link) return false;
  if (after.path !== undefined) return true;
  const [old = [], fresh = []] = [before.lines, after.lines];
  return without(old, fresh).length + without(fresh, old).length === 0;
}

function isChange(item: unknown): item is Change {
  if (!isRecord(item)) return false;
  const { at, kind, what, before, after, removed = [], added = [] } = item;
  const isWorded = [what, before, after].every((text) => typeof text === 'string');
  const areLines = [removed, added].every(
    (lines) => Array.isArray(lines) && lines.every((line) => isLine(line)),
  );
  return typeof at === 'number' && isChangeKind(kind) && isWorded && areLines;
}
