/**
 * Containers of jobs that have outlived the timeout of their job. The runner writes the timeout into a label of
 * each container and ends the job when it is over; what still runs long after has nobody who would end it.
 */
import { deadlineOf } from '../core/abort.ts';
import type { Instant } from '../core/clock.ts';
import { goDurationSeconds } from '../core/go-duration.ts';
import { DockerApi } from './docker-api.ts';
import type { DockerQuestion } from './docker-status.ts';

const PREFIX = 'com.gitlab.gitlab-runner';
/** What runs, of runners alone. */
export const JOB_CONTAINERS = `/containers/json?filters=${encodeURIComponent(
  JSON.stringify({ label: [`${PREFIX}.managed=true`] }),
)}`;
/** For its after_script, the upload of what it made, and an executor that does not heed at once. */
const GRACE_SECONDS = 900;
const ANSWER_SECONDS = 3;

export interface OverdueJob {
  /** Short id of the container. */
  readonly container: string;
  readonly job: string;
  readonly timeoutSeconds: number;
  readonly ageSeconds: number;
}

/** Undefined when the daemon does not say. */
export async function readOverdueJobs(
  { address, paths, certificates, signal }: DockerQuestion,
  now: Instant,
): Promise<readonly OverdueJob[] | undefined> {
  using deadline = deadlineOf(ANSWER_SECONDS, signal);
  const api = new DockerApi(address, paths, certificates);
  const answer = await api.get(JOB_CONTAINERS, deadline.signal).catch(() => undefined);
  return answer?.status === 200 ? overdueJobs(answer.body, now) : undefined;
}

/** The oldest first. A container without a timeout is not judged. */
function overdueJobs(body: string, now: Instant): readonly OverdueJob[] {
  return containersIn(body)
    .flatMap(({ Id: id, Created: created, Labels: labels }) => {
      const timeoutSeconds = goDurationSeconds(textOf(labels, 'job.timeout'));
      if (typeof id !== 'string' || typeof created !== 'number') return [];
      // Zero is no timeout.
      if (timeoutSeconds === undefined || timeoutSeconds <= 0) return [];
      const ageSeconds = now / 1000 - created;
      if (ageSeconds <= timeoutSeconds + GRACE_SECONDS) return [];
      const job = textOf(labels, 'job.id').slice(0, 20);
      return [{ container: id.slice(0, 12), job, timeoutSeconds, ageSeconds }];
    })
    .toSorted((a, b) => b.ageSeconds - a.ageSeconds);
}

interface Container {
  readonly Id?: unknown;
  /** Seconds since 1970. */
  readonly Created?: unknown;
  readonly Labels?: Readonly<Record<string, unknown>> | null;
}

function textOf(labels: Container['Labels'], name: string): string {
  const value = labels?.[`${PREFIX}.${name}`];
  return typeof value === 'string' ? value : '';
}

function containersIn(body: string): readonly Container[] {
  try {
    const value: unknown = JSON.parse(body);
    if (!Array.isArray(value)) return [];
    return value.filter((one): one is Container => typeof one === 'object' && one !== null);
  } catch {
    return [];
  }
}
