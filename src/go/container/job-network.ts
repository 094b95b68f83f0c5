/**
 * Can jobs reach GitLab from their containers when this host can? Jobs that cannot reach it are short, so the last
 * failure stays valid for some time after the job has ended.
 */
import { deadlineOf } from '../../core/abort.ts';
import type { Clock, Instant } from '../../core/clock.ts';
import type { Paths } from '../../core/paths.ts';
import type { JobProcess, HostPort } from '../../core/target.ts';
import { ContainerProbe } from './container-probe.ts';
import type { Reachability } from '../dial/reachability.ts';
import { checkReachability } from '../dial/reachability.ts';

/** A name server that does not answer uses five seconds; then the next one is asked. */
const CHECK_SECONDS = 7;
/** Adds the time to start and to print the result. */
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
  /** Consecutive checks with this failure. */
  readonly count: number;
}

export class JobNetwork {
  readonly #containers = new ContainerProbe();
  readonly #failures = new Map<string, LastFailure>();

  /** The fault, as a sentence; `id` is the executor's backend. Without a running job the last failure counts. */
  async check(
    id: string,
    destinations: readonly HostPort[],
    job: JobProcess | undefined,
    tools: Tools,
  ): Promise<string | undefined> {
    const now = tools.clock.wall();
    const last = this.#failures.get(id);
    const isFresh = last !== undefined && now - last.at <= KEEP_SECONDS * 1000;
    const count = isFresh ? last.count : 0;
    if (job === undefined) return count < MIN_FAILURES ? undefined : last?.text;
    const said = await this.#describeFailure(destinations, job, tools);
    if (said === undefined) this.#failures.delete(id);
    else this.#failures.set(id, { at: now, text: said, count: count + 1 });
    return said;
  }

  /**
   * The first endpoint that the container cannot reach. It is the container's fault only when this host can reach it.
   */
  async #describeFailure(
    destinations: readonly HostPort[],
    job: JobProcess,
    tools: Tools,
  ): Promise<string | undefined> {
    for (const destination of destinations) {
      using deadline = deadlineOf(CHILD_SECONDS, tools.signal);
      const order = { destination, seconds: CHECK_SECONDS };
      const inside = await this.#containers.checkFrom(job.pid, order, tools.paths, deadline.signal);
      if (inside === undefined || inside.kind === 'open') continue;
      const outside = await checkFromHost(destination, tools);
      if (outside.kind !== 'open') continue;
      const what = inside.kind === 'no-name' ? 'cannot resolve' : 'cannot connect to';
      return `container ${job.container} of job ${job.job} ${what} ${destination.host}:${destination.port} (${inside.evidence}), but this host can (${outside.evidence})`;
    }
    return undefined;
  }
}

async function checkFromHost(destination: HostPort, tools: Tools): Promise<Reachability> {
  using deadline = deadlineOf(HOST_SECONDS, tools.signal);
  const deps = { ...tools, signal: deadline.signal, timeoutSeconds: HOST_SECONDS };
  return await checkReachability(destination, deps);
}
