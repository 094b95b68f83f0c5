/**
 * Brings events of the runner to the daemon: follows its log where there is one, and when the log or the counters have
 * a new event, runs the affected checks at once.
 */
import { checkId, walkId } from '../core/check.ts';
import type { Clock } from '../core/clock.ts';
import type { ProbeResult } from '../core/finding.ts';
import type { Paths } from '../core/paths.ts';
import type { RunnerLogReader } from '../core/runner-event.ts';
import type { RunnerTarget, ServiceTarget, Target } from '../core/target.ts';
import { RunnerLogWatch } from './log/log-watch.ts';

/** However much is written, a walk is not brought forward more often. */
const MIN_WALK_INTERVAL_SECONDS = 10;

/** Events that concern the path to GitLab. */
const PATH_EVENTS: ReadonlySet<string> = new Set([
  'poll-failed',
  'disabled',
  'forced',
  'job-connection',
  'job-refused',
  'polls-failed',
  'polls-worked',
]);

/** Makes a job due; a fresh walk also runs links that are not due. */
type Trigger = (job: string, isFresh: boolean) => void;

export class EventTrigger {
  readonly #clock: Clock;
  readonly #trigger: Trigger;
  readonly #watch: RunnerLogWatch;
  readonly #triggeredAtSeconds = new Map<string, number>();
  #service: ServiceTarget | undefined;
  #runners: readonly RunnerTarget[] = [];
  /** Kinds of event in the last reading of the counters, by entry. */
  #lastCounterEvents: ReadonlySet<string> = new Set();

  constructor({ clock, paths }: { clock: Clock; paths: Paths }, trigger: Trigger) {
    this.#clock = clock;
    this.#trigger = trigger;
    this.#watch = new RunnerLogWatch(clock, paths, {
      onEvent: (kind, runner) => this.#onEvent(kind, runner),
    });
  }

  get log(): RunnerLogReader {
    return this.#watch;
  }

  /** Log events by the cause that they point at. */
  counts(): ReturnType<RunnerLogWatch['counts']> {
    return this.#watch.counts();
  }

  /** The last lines of an entry, or of the process as a whole for the empty name. */
  lastLines(runner: string): ReturnType<RunnerLogWatch['lastLines']> {
    return this.#watch.lastLines(runner);
  }

  /** Follows what there is to follow among these targets. */
  follow(targets: readonly Target[]): void {
    this.#service = targets.find((target) => target.kind === 'service');
    this.#runners = targets.filter((target) => target.kind === 'runner');
    this.#watch.follow(
      this.#service?.log,
      this.#runners.map(({ id }) => id),
    );
  }

  /** A result of the runner-metrics check may contain new events. */
  observe({ check, finding }: ProbeResult): void {
    if (!check.startsWith('runner-metrics@')) return;
    const before = this.#lastCounterEvents;
    const seen = finding.events ?? [];
    this.#lastCounterEvents = new Set(seen.map(({ kind, runner = '' }) => `${kind} ${runner}`));
    for (const { kind, runner } of seen) {
      if (PATH_EVENTS.has(kind) && !before.has(`${kind} ${runner ?? ''}`))
        this.#triggerWalk(runner);
    }
  }

  /** The wall clock was set. */
  shift(milliseconds: number): void {
    this.#watch.shift(milliseconds);
  }

  stop(): void {
    this.#watch.stop();
  }

  #onEvent(kind: string, runner: string | undefined): void {
    const service = this.#service?.id ?? '';
    this.#trigger(checkId('runner-log', service), false);
    if (PATH_EVENTS.has(kind)) this.#triggerWalk(runner);
    else this.#trigger(checkId('service', service), false);
  }

  /** The endpoint of the entry, or all where it is not named. */
  #triggerWalk(runner: string | undefined): void {
    const own = this.#runners.filter(({ id }) => id === runner);
    const endpoints = new Set((own.length === 0 ? this.#runners : own).map((one) => one.endpoint));
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
