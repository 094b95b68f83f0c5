/**
 * Do jobs reach GitLab from their containers where this host does? Jobs that do not reach it are short, so what the
 * last one met counts for a while after its end.
 */
import { deadlineOf } from '../../core/abort.ts';
import type { Clock, Instant } from '../../core/clock.ts';
import type { Paths } from '../../core/paths.ts';
import type { JobProcess, Place } from '../../core/target.ts';
import { ContainerWays } from './container-probe.ts';
import type { WayEnd } from '../dial/reachability.ts';
import { wayTo } from '../dial/reachability.ts';

/** One silent name server has its five seconds, and the next one is asked. */
const LOOK_SECONDS = 7;
/** To start, and to say what it saw. */
const CHILD_SECONDS = LOOK_SECONDS + 2;
const HOST_SECONDS = 2;
const KEPT_SECONDS = 900;
/** Once may be a container that was just taken down. */
const REPEATED = 2;

interface Tools {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly paths: Paths;
}

interface Lost {
  readonly at: Instant;
  readonly said: string;
  /** Looks in a row that saw it. */
  readonly count: number;
}

export class JobWays {
  readonly #containers = new ContainerWays();
  readonly #lost = new Map<string, Lost>();

  /** What is wrong, as a sentence; `id` is what the jobs stand on, and without a job the last one counts. */
  async look(
    id: string,
    places: readonly Place[],
    job: JobProcess | undefined,
    tools: Tools,
  ): Promise<string | undefined> {
    const now = tools.clock.wall();
    const last = this.#lost.get(id);
    const isFresh = last !== undefined && now - last.at <= KEPT_SECONDS * 1000;
    const count = isFresh ? last.count : 0;
    if (job === undefined) return count < REPEATED ? undefined : last?.said;
    const said = await this.#lostFor(places, job, tools);
    if (said === undefined) this.#lost.delete(id);
    else this.#lost.set(id, { at: now, said, count: count + 1 });
    return said;
  }

  /** The first place that it does not reach; only where the way from this host is open is it the container's. */
  async #lostFor(
    places: readonly Place[],
    job: JobProcess,
    tools: Tools,
  ): Promise<string | undefined> {
    for (const place of places) {
      using deadline = deadlineOf(CHILD_SECONDS, tools.signal);
      const order = { place, seconds: LOOK_SECONDS };
      const inside = await this.#containers.from(job.pid, order, tools.paths, deadline.signal);
      if (inside === undefined || inside.kind === 'open') continue;
      const outside = await fromHere(place, tools);
      if (outside.kind !== 'open') continue;
      const what = inside.kind === 'no-name' ? 'cannot resolve' : 'cannot connect to';
      return `container ${job.container} of job ${job.job} ${what} ${place.host}:${place.port} (${inside.said}), and this host can (${outside.said})`;
    }
    return undefined;
  }
}

async function fromHere(place: Place, tools: Tools): Promise<WayEnd> {
  using deadline = deadlineOf(HOST_SECONDS, tools.signal);
  const deps = { ...tools, signal: deadline.signal, timeoutSeconds: HOST_SECONDS };
  return await wayTo(place, deps);
}
