/**
 * The jobs that hold a slot of the runner, by its own list (`/debug/jobs/list`, docs/reference/runner.md#counters),
 * and those among them that have ended: their slot is freed only when GitLab has accepted the result, or when their
 * process is gone.
 */
import type { Clock, Instant } from '../../core/clock.ts';
import { dataKey, dataWith } from '../../core/finding-data.ts';
import { goDurationSeconds } from '../../core/go-duration.ts';
import type { RunnerEvent } from '../../core/runner-event.ts';
import { addSighting } from '../../core/sightings.ts';

export const JOB_LIST = { path: '/debug/jobs/list', headers: { 'X-List-Version': '2' } } as const;

export interface ListedJob {
  readonly url: string;
  /** `pending`, `running`, `success`, `failed`, `canceled`, `terminated`, `timedout`. */
  readonly state: string;
  readonly seconds: number | undefined;
}

/** The page of the job that holds a slot; undefined if its address is not a URL. */
export const HELD_JOB = dataKey<URL | undefined>('held-job');

const ENDED: ReadonlySet<string> = new Set([
  'success',
  'failed',
  'canceled',
  'terminated',
  'timedout',
]);
/** The last request and the cleanup take a while. */
const HELD_SECONDS = 300;
/** More is no list of one host. */
const MAX_JOBS = 10_000;

/** Lines of another form are left out. */
export function parseJobList(text: string): readonly ListedJob[] {
  return text
    .split('\n')
    .slice(0, MAX_JOBS)
    .flatMap((line) => {
      const { url, state, duration = '' } = LINE.exec(line)?.groups ?? {};
      if (url === undefined || state === undefined) return [];
      return [{ url, state, seconds: goDurationSeconds(duration) }];
    });
}

const LINE = /^(?:id=\d+ )?url=(?<url>\S+) state=(?<state>\w+) .*\bduration=(?<duration>\S+)/;

export interface JobListSummary {
  readonly longestSeconds: number;
  /** Jobs that ended and hold their slot for longer than that. */
  readonly heldSlots: number;
  readonly events: readonly RunnerEvent[];
}

export class HeldSlotTracker {
  readonly #clock: Clock;
  /** When each ended job was first seen, by its URL: monotonic, and the wall's time. */
  #seen: ReadonlyMap<string, { readonly seconds: number; readonly at: Instant }> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  update(jobs: readonly ListedJob[]): JobListSummary {
    const now = { seconds: this.#clock.seconds(), at: this.#clock.wall() };
    const ended = jobs.filter(({ state }) => ENDED.has(state));
    this.#seen = new Map(ended.map(({ url }) => [url, this.#seen.get(url) ?? now]));
    const held = ended.filter(
      ({ url }) => now.seconds - (this.#seen.get(url)?.seconds ?? now.seconds) >= HELD_SECONDS,
    );
    return {
      longestSeconds: Math.max(0, ...jobs.map(({ seconds = 0 }) => seconds)),
      heldSlots: held.length,
      events: held.slice(0, 1).map((job) => this.#event(job, held.length, now.at)),
    };
  }

  #event({ url, state }: ListedJob, count: number, at: Instant): RunnerEvent {
    const firstAt = this.#seen.get(url)?.at ?? at;
    return {
      kind: 'slot-held',
      ...addSighting(undefined, firstAt),
      lastAt: at,
      text: `the runner lists ${url} as ${state}, and the job still holds its slot`,
      facts: { jobs: count, job_url: url, job_state: state },
      data: dataWith(HELD_JOB, URL.parse(url) ?? undefined),
    };
  }
}
