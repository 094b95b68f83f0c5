/**
 * Brings events of the runners to the daemon: follows the log of each where there is one, and when a log or the
 * counters have a new event, runs the affected checks at once.
 */
import { checkId, walkId } from '../core/check.ts';
import type { Clock } from '../core/clock.ts';
import type { ProbeResult } from '../core/finding.ts';
import type { HostContext, RunnerContext } from '../core/host-context.ts';
import { runnerNamed } from '../core/host-context.ts';
import type { Place } from '../core/place.ts';
import type { RunnerEvent, RunnerLogReader } from '../core/runner-event.ts';
import { plainIdOf } from '../core/target.ts';
import { COMPLAINING } from './complaints.ts';
import type { LastLine } from './log/log-watch.ts';
import { RunnerLogWatch } from './log/log-watch.ts';

/** However much is written, a walk is not brought forward more often. */
const MIN_WALK_INTERVAL_SECONDS = 10;

/** Events that concern the path to GitLab. */
const PATH_EVENTS: ReadonlySet<string> = new Set([
  ...COMPLAINING,
  'forced',
  'job-refused',
  'polls-worked',
]);

/** Makes a job due; a fresh walk also runs links that are not due. */
type Trigger = (job: string, isFresh: boolean) => void;

interface Counted {
  readonly cause: string;
  readonly count: number;
}

/** What is followed of one installation. */
interface Followed {
  readonly log: RunnerLogWatch;
  context: RunnerContext;
  /** Events in the last reading of the counters: kind, entry and begin. */
  counterEvents: ReadonlySet<string>;
}

export class EventTrigger {
  readonly #clock: Clock;
  readonly #trigger: Trigger;
  /** By the id of their places. */
  readonly #followed = new Map<string, Followed>();
  readonly #triggeredAtSeconds = new Map<string, number>();
  /** Of installations that are gone: a counter does not fall. */
  #counted: readonly Counted[] = [];

  constructor({ clock }: { clock: Clock }, trigger: Trigger) {
    this.#clock = clock;
    this.#trigger = trigger;
  }

  /** Follows what there is to follow in these installations, and nothing else. */
  follow(contexts: HostContext['contexts']): void {
    const places = new Set(contexts.map(({ place }) => place.id));
    for (const [id, { log }] of this.#followed) {
      if (places.has(id)) continue;
      this.#counted = sumCounts([this.#counted, log.counts()]);
      log.stop();
      this.#followed.delete(id);
    }
    for (const context of contexts) {
      const { place, runners } = context;
      const known = this.#followed.get(place.id);
      const followed = known ?? this.#newlyFollowed(context);
      followed.context = context;
      followed.log.follow(
        place,
        runners.map((target) => plainIdOf(target)),
      );
    }
  }

  /** The log of the runner at a place; undefined where none is known. */
  logAt({ id, log }: Place): RunnerLogReader | undefined {
    return log === undefined ? undefined : this.#followed.get(id)?.log;
  }

  /** Log events by the cause that they point at. */
  counts(): readonly Counted[] {
    return sumCounts([this.#counted, ...this.#all().map(({ log }) => log.counts())]);
  }

  /** The last lines of an entry, or of the processes as a whole for the empty name; oldest first. */
  lastLines(runner: string): readonly LastLine[] {
    return this.#all()
      .flatMap(({ log, context: { runners } }) => {
        const target = runners.find(({ id }) => id === runner);
        if (target !== undefined) return log.lastLines(plainIdOf(target));
        return runner === '' ? log.lastLines('') : [];
      })
      .toSorted((a, b) => a.at - b.at);
  }

  /** A result of the runner-metrics check may contain new events. */
  observe({ check, finding }: ProbeResult): void {
    const followed = this.#all().find(
      ({ context }) => check === checkId('runner-metrics', context.place.id),
    );
    if (followed === undefined) return;
    const before = followed.counterEvents;
    const seen = finding.events ?? [];
    followed.counterEvents = new Set(seen.map((event) => keyOf(event)));
    for (const event of seen) {
      if (PATH_EVENTS.has(event.kind) && !before.has(keyOf(event)))
        this.#triggerWalk(followed, event.runner);
    }
  }

  /** The wall clock was set. */
  shift(milliseconds: number): void {
    for (const { log } of this.#all()) log.shift(milliseconds);
  }

  stop(): void {
    for (const { log } of this.#all()) log.stop();
  }

  #all(): readonly Followed[] {
    return [...this.#followed.values()];
  }

  #newlyFollowed(context: RunnerContext): Followed {
    const log = new RunnerLogWatch(this.#clock, {
      onEvent: (kind, runner) => this.#onEvent(followed, kind, runner),
    });
    const followed: Followed = { log, context, counterEvents: new Set() };
    this.#followed.set(context.place.id, followed);
    return followed;
  }

  #onEvent(followed: Followed, kind: string, runner: string | undefined): void {
    const service = followed.context.place.id;
    this.#trigger(checkId('runner-log', service), false);
    if (PATH_EVENTS.has(kind)) this.#triggerWalk(followed, runner);
    else this.#trigger(checkId('service', service), false);
  }

  /** The endpoint of the entry, or all where it is not named. */
  #triggerWalk({ context }: Followed, runner: string | undefined): void {
    const own = runnerNamed(context, runner);
    const concerned = own === undefined ? context.runners : [own];
    const endpoints = new Set(concerned.map((one) => one.endpoint));
    const now = this.#clock.seconds();
    for (const endpoint of endpoints) {
      if (endpoint === undefined) continue;
      const walked = this.#triggeredAtSeconds.get(endpoint);
      if (walked !== undefined && now - walked < MIN_WALK_INTERVAL_SECONDS) continue;
      this.#triggeredAtSeconds.set(endpoint, now);
      this.#trigger(walkId(endpoint), true);
    }
  }
}

function sumCounts(lists: readonly (readonly Counted[])[]): readonly Counted[] {
  const counts = new Map<string, number>();
  for (const { cause, count } of lists.flat()) counts.set(cause, (counts.get(cause) ?? 0) + count);
  return [...counts].map(([cause, count]) => ({ cause, count }));
}

/** A failure that begins again after a pause is a new one. */
function keyOf({ kind, runner = '', runAt }: RunnerEvent): string {
  return `${kind} ${runner} ${kind === 'polls-worked' ? '' : runAt}`;
}
