/**
 * What GitLab's API says about a runner, given an API token (`read_api`): whether it is paused, which hosts use its
 * token, and which jobs wait for it and cannot run. Pure functions of JSON answers.
 */
import type { HttpAnswer } from '../core/probe.ts';
import { isJson } from './fingerprint.ts';

export interface RunnerRecord {
  readonly isPaused: boolean;
  readonly tags: readonly string[];
  readonly runsUntagged: boolean;
  readonly projects: readonly number[];
}

export interface RunnerManager {
  readonly systemId: string;
  readonly address: string;
}

/** A pending project job, with the tags that it requires. */
export interface WaitingJob {
  readonly id: number;
  readonly tags: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

/** `GET runners/:id`; undefined when it is no record. */
export function recordOf(answer: HttpAnswer): RunnerRecord | undefined {
  const [json] = listOf(answer) ?? [];
  if (json === undefined || typeof json['id'] !== 'number') return undefined;
  return {
    // `active` is the older name of the inverted value.
    isPaused: json['paused'] === true || json['active'] === false,
    tags: stringsOf(json['tag_list']),
    runsUntagged: json['run_untagged'] !== false,
    projects: itemsOf(json['projects']).flatMap(({ id }) => (typeof id === 'number' ? [id] : [])),
  };
}

/** `GET runners/:id/managers`. */
export function managersOf(answer: HttpAnswer): readonly RunnerManager[] | undefined {
  return listOf(answer)?.map((json) => ({
    systemId: stringOf(json['system_id']),
    address: stringOf(json['ip_address']),
  }));
}

/** `GET projects/:id/jobs?scope[]=pending`. */
export function waitingJobsOf(answer: HttpAnswer): readonly WaitingJob[] | undefined {
  return listOf(answer)?.flatMap((json) =>
    typeof json['id'] === 'number' ? [{ id: json['id'], tags: stringsOf(json['tag_list']) }] : [],
  );
}

/** True when the runner would take the job by its tags. (GitLab: a job needs all of its tags on one runner.) */
export function isMatching({ tags, runsUntagged }: RunnerRecord, job: WaitingJob): boolean {
  return job.tags.length === 0 ? runsUntagged : job.tags.every((tag) => tags.includes(tag));
}

/** Undefined when GitLab did not send the list: that is not the same as an empty one. */
function listOf(answer: HttpAnswer): readonly Json[] | undefined {
  if (answer.status !== 200 || !isJson(answer)) return undefined;
  try {
    return itemsOf([JSON.parse(answer.body)].flat());
  } catch {
    return undefined;
  }
}

function itemsOf(value: unknown): readonly Json[] {
  return Array.isArray(value)
    ? value.filter((item): item is Json => typeof item === 'object' && item !== null)
    : [];
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function stringsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((word) => typeof word === 'string') : [];
}
