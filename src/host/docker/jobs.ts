/**
 * Job containers: which have outlived the timeout of their job, and which is the newest. The runner writes the timeout
 * into a label of each container and ends the job at the timeout; no process ends a container that runs long after it.
 */
import { deadlineOf } from '../../core/abort.ts';
import type { Instant } from '../../core/clock.ts';
import { goDurationSeconds } from '../../core/go-duration.ts';
import type { JobProcess } from '../../core/target.ts';
import { DockerApi } from './api.ts';
import type { DockerRequest } from './status.ts';

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

/** Undefined when the daemon does not list them. */
export async function readJobContainers(
  question: DockerRequest,
): Promise<readonly JobContainer[] | undefined> {
  const body = await bodyOf(JOB_CONTAINERS, question);
  return body === undefined ? undefined : parseContainers(body);
}

async function bodyOf(path: string, question: DockerRequest): Promise<string | undefined> {
  using deadline = deadlineOf(ANSWER_SECONDS, question.signal);
  const api = new DockerApi(question);
  const answer = await api.get(path, deadline.signal).catch(() => undefined);
  return answer?.status === 200 ? answer.body : undefined;
}

/** First process of the newest container that has a network; undefined when there is none, or it goes by a proxy. */
export async function newestJobProcess(
  containers: readonly JobContainer[],
  question: DockerRequest,
): Promise<JobProcess | undefined> {
  const [newest] = containers
    .filter(({ HostConfig: config }) => config?.NetworkMode !== 'none')
    .toSorted((a, b) => Number(b.Created ?? 0) - Number(a.Created ?? 0));
  const id = newest?.Id;
  if (typeof id !== 'string' || !/^[\w.-]+$/.test(id)) return undefined;
  const about = (await bodyOf(`/containers/${id}/json`, question)) ?? '';
  const pid = firstProcessOf(about);
  if (pid === undefined || BY_PROXY.test(about)) return undefined;
  return { container: id.slice(0, 12), job: jobOf(newest?.Labels), pid };
}

/** A variable of its environment: then it need not reach anything itself. */
const BY_PROXY = /"(?:https?|all)_proxy=[^"]/i;

function firstProcessOf(body: string): number | undefined {
  const pid = /"Pid":\s*(?<pid>[1-9]\d*)/.exec(body)?.groups?.['pid'];
  return pid === undefined ? undefined : Number(pid);
}

/** The oldest first. A container without a timeout is not judged. */
export function overdueJobs(
  containers: readonly JobContainer[],
  now: Instant,
): readonly OverdueJob[] {
  return containers
    .flatMap(({ Id: id, Created: created, Labels: labels }) => {
      const timeoutSeconds = goDurationSeconds(textOf(labels, 'job.timeout'));
      if (typeof id !== 'string' || typeof created !== 'number') return [];
      // Zero is no timeout.
      if (timeoutSeconds === undefined || timeoutSeconds <= 0) return [];
      const ageSeconds = now / 1000 - created;
      if (ageSeconds <= timeoutSeconds + GRACE_SECONDS) return [];
      return [{ container: id.slice(0, 12), job: jobOf(labels), timeoutSeconds, ageSeconds }];
    })
    .toSorted((a, b) => b.ageSeconds - a.ageSeconds);
}

export interface JobContainer {
  readonly Id?: unknown;
  /** Seconds since 1970. */
  readonly Created?: unknown;
  readonly Labels?: Readonly<Record<string, unknown>> | null;
  readonly HostConfig?: { readonly NetworkMode?: unknown };
}

function jobOf(labels: JobContainer['Labels']): string {
  return textOf(labels, 'job.id').slice(0, 20);
}

function textOf(labels: JobContainer['Labels'], name: string): string {
  const value = labels?.[`${PREFIX}.${name}`];
  return typeof value === 'string' ? value : '';
}

function parseContainers(body: string): readonly JobContainer[] {
  try {
    const value: unknown = JSON.parse(body);
    if (!Array.isArray(value)) return [];
    return value.filter((one): one is JobContainer => typeof one === 'object' && one !== null);
  } catch {
    return [];
  }
}
