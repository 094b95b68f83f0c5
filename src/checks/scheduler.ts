/**
 * Repeats jobs on time.
 *
 * Promises: the first run at once, the next ones spread over the interval by a hash (fifty hosts do not
 * run at the same time); a job never overlaps itself; a job that does not end is given up after its deadline and a grace
 * and delays no other; after a suspend or a blocked event loop there is one run, not all missed ones. Time is
 * monotonic. It judges no results.
 */
import { createHash } from 'node:crypto';

import type { Clock } from '../core/clock.ts';
import type { CheckId, ProbeResult } from '../core/finding.ts';
import type { Job } from './run.ts';
import { runJob } from './run.ts';

/** Time to the second run, as a share of the interval: up to a whole interval, so that hosts that started together spread evenly. */
const MIN_FIRST_WAIT = 0.2;
/** Jobs of one group that may run at the same time; a hanging group never blocks the other. */
const GROUP_LIMIT = 16;
/** A job whose group is full tries again after that long. */
const FULL_GROUP_SECONDS = 1;

export interface SchedulerEvents {
  onResult(result: ProbeResult, job: Job): void;
  onMissed(check: CheckId): void;
}

interface Slot {
  readonly job: Job;
  dueSeconds: number;
  /** When it would have been due without a trigger: a triggered run does not change the schedule. */
  regularSeconds: number | undefined;
  /** Until the run has really ended, even if it was given up. */
  running: boolean;
  /** Given up: it no longer counts against its group. */
  abandoned: boolean;
  ran: boolean;
  /** Its next run also reruns links that are not due. */
  isFresh: boolean;
}

export class Scheduler {
  readonly #clock: Clock;
  readonly #seed: string;
  readonly #events: SchedulerEvents;
  readonly #stop = new AbortController();
  #slots = new Map<string, Slot>();
  #timer: NodeJS.Timeout | undefined;

  /** `seed` identifies this host: the runner's system id or the host name. */
  constructor(clock: Clock, seed: string, events: SchedulerEvents) {
    this.#clock = clock;
    this.#seed = seed;
    this.#events = events;
  }

  /** Replaces the plan. Jobs that stay keep their schedule; new ones run at once. */
  replace(jobs: readonly Job[]): void {
    const now = this.#clock.seconds();
    this.#slots = new Map(
      jobs.map((job) => {
        const old = this.#slots.get(job.id);
        return [
          job.id,
          {
            job,
            dueSeconds: old?.dueSeconds ?? now,
            regularSeconds: old?.regularSeconds,
            running: old?.running ?? false,
            abandoned: old?.abandoned ?? false,
            ran: old?.ran ?? false,
            isFresh: old?.isFresh ?? false,
          },
        ];
      }),
    );
    this.#arm();
  }

  /** Makes a job due at once, unless it is running; later runs keep their schedule. */
  trigger(id: string, isFresh = false): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    slot.isFresh ||= isFresh;
    const now = this.#clock.seconds();
    if (slot.running || slot.dueSeconds <= now) return;
    slot.regularSeconds ??= slot.dueSeconds;
    slot.dueSeconds = now;
    this.#arm();
  }

  /** How far the most overdue job is behind its schedule. */
  lagSeconds(): number {
    const now = this.#clock.seconds();
    const lags = [...this.#slots.values()].map(({ dueSeconds }) => now - dueSeconds);
    return Math.max(0, ...lags);
  }

  stop(): void {
    this.#slots.clear();
    clearTimeout(this.#timer);
    this.#stop.abort(new Error('runnerwatch is stopping'));
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#stop.signal.aborted || this.#slots.size === 0) return;
    const next = Math.min(...[...this.#slots.values()].map(({ dueSeconds }) => dueSeconds));
    const waitSeconds = Math.max(0, next - this.#clock.seconds());
    this.#timer = setTimeout(() => this.#tick(), waitSeconds * 1000);
  }

  #tick(): void {
    const now = this.#clock.seconds();
    for (const slot of this.#slots.values()) {
      if (slot.dueSeconds > now) continue;
      if (!slot.running && this.#isGroupFull(slot.job.group)) {
        slot.dueSeconds = now + FULL_GROUP_SECONDS;
        continue;
      }
      slot.dueSeconds = this.#nextDue(slot, now);
      if (slot.running) this.#miss(slot.job);
      else void this.#start(slot);
    }
    this.#arm();
  }

  /** Strictly in the future, on the schedule of the slot; missed runs are skipped. */
  #nextDue(slot: Slot, now: number): number {
    const { intervalSeconds } = slot.job;
    const second = slot.regularSeconds ?? slot.dueSeconds + intervalSeconds;
    const first = slot.ran ? second : now + this.#phase(slot.job);
    slot.ran = true;
    slot.regularSeconds = undefined;
    if (first > now) return first;
    return first + Math.ceil((now - first + 0.001) / intervalSeconds) * intervalSeconds;
  }

  #phase(job: Job): number {
    return job.intervalSeconds * (MIN_FIRST_WAIT + phaseOf(this.#seed, job.id));
  }

  #isGroupFull(group: Job['group']): boolean {
    const counted = [...this.#slots.values()].filter((slot) => slot.running && !slot.abandoned);
    return counted.filter((slot) => slot.job.group === group).length >= GROUP_LIMIT;
  }

  async #start(slot: Slot): Promise<void> {
    const { job, isFresh } = slot;
    slot.running = true;
    slot.isFresh = false;
    const { settled } = await runJob({
      job,
      clock: this.#clock,
      stop: this.#stop.signal,
      onResult: (result) => this.#events.onResult(result, job),
      isFresh,
    });
    this.#mark(job.id, { abandoned: true });
    await settled;
    this.#mark(job.id, { running: false, abandoned: false });
  }

  /** The slot may have been replaced by a new plan while its job was running. */
  #mark(id: string, flags: Partial<Pick<Slot, 'running' | 'abandoned'>>): void {
    const slot = this.#slots.get(id);
    if (slot !== undefined) Object.assign(slot, flags);
  }

  #miss(job: Job): void {
    for (const check of job.checks) this.#events.onMissed(check.id);
  }
}

/** The offset of this host within an interval, 0 to 1: a hash of host and job. */
export function phaseOf(seed: string, id: string): number {
  return createHash('sha256').update(`${seed} ${id}`).digest().readUInt32BE(0) / 2 ** 32;
}
