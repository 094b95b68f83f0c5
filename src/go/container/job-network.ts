/**
 * Do jobs reach GitLab from their containers where this host does? Jobs that do not reach it are short, so what the
 * last one met counts for a while after its end.
 */
import { deadlineOf } from '../../core/abort.ts';
import type { Clock, Instant } from '../../core/clock.ts';
import type { Paths } from '../../core/paths.ts';
import type { JobProcess, HostPort } from '../../core/target.ts';
import { ContainerProbe } from './container-probe.ts';
import type { Reachability } from '../dial/reachability.ts';
import { checkReachability } from '../dial/reachability.ts';

/** One silent name server has its five seconds, and the next one is asked. */
const CHECK_SECONDS = 7;
/** To start, and to say what it saw. */
const CHILD_SECONDS = CHECK_SECONDS + 2;
const HOST_SECONDS = 2;
const KEEP_SECONDS = 900;
/** Once may be a container that was just taken down. */
const MIN_FAILURES = 2;

interface Tools {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly paths: Paths;
}

interface LastFailure {
  readonly at: Instant;
  readonly text: string;
  /** Looks in a row that saw it. */
  readonly count: number;
}

export class JobNetwork {
  readonly #containers = new ContainerProbe();
  readonly #failures = new Map<string, LastFailure>();

  /** What is wrong, as a sentence; `id` is what the jobs stand on, and without a job the last one counts. */
  async check(
    id: string,
    places: readonly HostPort[],
    job: JobProcess | undefined,
    tools: Tools,
  ): Promise<string | undefined> {
    const now = tools.clock.wall();
    const last = this.#failures.get(id);
    const isFresh = last !== undefined && now - last.at <= KEEP_SECONDS * 1000;
    const count = isFresh ? last.count : 0;
    if (job === undefined) return count < MIN_FAILURES ? undefined : last?.text;
    const said = await this.#describeFailure(places, job, tools);
    if (said === undefined) this.#failures.delete(id);
    else this.#failures.set(id, { at: now, text: said, count: count + 1 });
    return said;
  }

  /** The first place that it does not reach; only where the way from this host is open is it the container's. */
  async #describeFailure(
    places: readonly HostPort[],
    job: JobProcess,
    tools: Tools,
  ): Promise<string | undefined> {
    for (const place of places) {
      using deadline = deadlineOf(CHILD_SECONDS, tools.signal);
      const order = { place, seconds: CHECK_SECONDS };
      const inside = await this.#containers.checkFrom(job.pid, order, tools.paths, deadline.signal);
      if (inside === undefined || inside.kind === 'open') continue;
      const outside = await checkFromHost(place, tools);
      if (outside.kind !== 'open') continue;
      const what = inside.kind === 'no-name' ? 'cannot resolve' : 'cannot connect to';
      return `container ${job.container} of job ${job.job} ${what} ${place.host}:${place.port} (${inside.evidence}), and this host can (${outside.evidence})`;
    }
    return undefined;
  }
}

async function checkFromHost(place: HostPort, tools: Tools): Promise<Reachability> {
  using deadline = deadlineOf(HOST_SECONDS, tools.signal);
  const deps = { ...tools, signal: deadline.signal, timeoutSeconds: HOST_SECONDS };
  return await checkReachability(place, deps);
}
