/**
 * Which rights for its jobs the account of a runner lacks. Each is asked by an access review, at most once in a span for each
 * account and namespace, since the rights of an account change rarely.
 */
import type { Instant } from '../../core/clock.ts';
import type { AccessRight, ClusterAnswer, ClusterConnection } from './api.ts';
import { mayDo } from './api.ts';

/** No job ends well without them: where it runs by attach, its log is still read by exec. */
const OF_EVERY_JOB: readonly AccessRight[] = [
  { verb: 'create', resource: 'pods' },
  { verb: 'get', resource: 'pods' },
  { verb: 'create', resource: 'pods/exec' },
];
/** The runner does not fall back to exec; only a job that asks for it by a variable of its own does without. */
const BY_ATTACH: AccessRight = { verb: 'create', resource: 'pods/attach' };
/** Of jobs that use a registry with a login or services, and of what is left behind. */
const OF_SOME_JOBS: readonly AccessRight[] = [
  { verb: 'delete', resource: 'pods' },
  { verb: 'create', resource: 'secrets' },
  { verb: 'get', resource: 'secrets' },
  { verb: 'update', resource: 'secrets' },
  { verb: 'delete', resource: 'secrets' },
];

export interface MissingRights {
  readonly ofEveryJob: readonly AccessRight[];
  readonly ofSomeJobs: readonly AccessRight[];
}

export interface AccessQuestion {
  /** Of the account, the address and the namespace. */
  readonly key: string;
  readonly namespace: string;
  /** Jobs run by exec in their pods, not by attach. */
  readonly runsByExec: boolean;
  readonly keptSeconds: number;
  readonly now: Instant;
}

interface Kept {
  readonly at: Instant;
  readonly missing: MissingRights;
}

/** As many as entries of one runner may have; the oldest is forgotten. */
const MAX_KEPT = 100;

export class AccessReviews {
  readonly #kept = new Map<string, Kept>();

  async missing(
    connection: ClusterConnection,
    question: AccessQuestion,
  ): Promise<ClusterAnswer<MissingRights>> {
    const { key, keptSeconds, now } = question;
    const kept = this.#kept.get(key);
    if (kept !== undefined && now - kept.at < keptSeconds * 1000) {
      return { kind: 'answer', value: kept.missing };
    }
    const answer = await review(connection, question);
    if (answer.kind !== 'answer') return answer;
    this.#kept.delete(key);
    this.#kept.set(key, { at: now, missing: answer.value });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return answer;
  }
}

/** One after the other, so that the API server never has more than one question of ours. */
async function review(
  connection: ClusterConnection,
  { namespace, runsByExec }: AccessQuestion,
): Promise<ClusterAnswer<MissingRights>> {
  const ofEveryJob = runsByExec ? OF_EVERY_JOB : [...OF_EVERY_JOB, BY_ATTACH];
  const refused: AccessRight[] = [];
  for (const right of [...ofEveryJob, ...OF_SOME_JOBS]) {
    const answer = await mayDo(connection, right, namespace);
    if (answer.kind !== 'answer') return answer;
    if (!answer.value) refused.push(right);
  }
  return {
    kind: 'answer',
    value: {
      ofEveryJob: refused.filter((right) => ofEveryJob.includes(right)),
      ofSomeJobs: refused.filter((right) => !ofEveryJob.includes(right)),
    },
  };
}
