/** Examines the Docker daemon of an executor: its status, its root folder, and the job containers. */
import type { Clock } from '../../core/clock.ts';
import type { Fact } from '../../core/finding.ts';
import type { Paths } from '../../core/paths.ts';
import type { JobContainer, OverdueJob } from './jobs.ts';
import { overdueJobs, readJobContainers } from './jobs.ts';
import type { DockerRoot, DockerRoots } from './root.ts';
import type { DockerRequest, DockerStatus } from './status.ts';
import { readDockerStatus } from './status.ts';
import { readProc } from '../proc/proc-files.ts';

export interface DockerExamination {
  readonly status: DockerStatus;
  /** Undefined when the daemon does not list them. */
  readonly containers: readonly JobContainer[] | undefined;
  readonly overdue: readonly OverdueJob[] | undefined;
  /** Whether it runs on this host's own kernel, so that its processes are to be seen here. */
  readonly isHere: boolean;
  /** Of a daemon on this host. */
  readonly root: DockerRoot | undefined;
  readonly measures: Readonly<Partial<Record<DockerMeasure, number>>>;
  readonly facts: Readonly<Record<string, Fact>>;
}

type DockerMeasure = 'answer_seconds' | 'running_containers' | 'root_free_ratio' | 'overdue_jobs';

/** `id` is the address as it is written. */
export async function examineDaemon(
  id: string,
  question: DockerRequest,
  clock: Clock,
  roots: DockerRoots,
): Promise<DockerExamination> {
  const { address, paths, signal } = question;
  const start = clock.seconds();
  const status = await readDockerStatus(question);
  const answerSeconds = clock.seconds() - start;
  const containers = status.kind === 'up' ? await readJobContainers(question) : undefined;
  const overdue = containers && overdueJobs(containers, clock.wall());
  const told = status.kind === 'up' ? status.rootDirectory : undefined;
  const tools = { clock, signal, paths };
  const root = address.kind === 'socket' ? await roots.read(id, told, tools) : undefined;
  return {
    status,
    containers,
    overdue,
    isHere: address.kind === 'socket' && (await isOnKernel(status, paths)),
    root,
    measures: {
      answer_seconds: answerSeconds,
      ...measuresOf(status, overdue),
      ...(root?.freeRatio === undefined ? {} : { root_free_ratio: root.freeRatio }),
    },
    facts: { ...factsOf(status), root: root?.path ?? '' },
  };
}

/** A daemon in a virtual machine may well have a socket here. */
async function isOnKernel(status: DockerStatus, paths: Paths): Promise<boolean> {
  const theirs = status.kind === 'up' ? status.kernelVersion : undefined;
  const ours = await readProc(paths, 'sys/kernel/osrelease');
  return theirs === undefined || ours === undefined || theirs === ours.trim();
}

function measuresOf(status: DockerStatus, overdue: readonly OverdueJob[] | undefined) {
  const containers = status.kind === 'up' ? status.runningContainers : undefined;
  return {
    ...(containers === undefined ? {} : { running_containers: containers }),
    ...(overdue === undefined ? {} : { overdue_jobs: overdue.length }),
  };
}

function factsOf(status: DockerStatus): Readonly<Record<string, Fact>> {
  if (status.kind === 'denied') {
    const { group, groupId } = status;
    return group === undefined || groupId === undefined ? {} : { group, group_id: groupId };
  }
  if (status.kind !== 'up') return {};
  const { serverVersion, apiVersion, minimumApiVersion } = status;
  return {
    server_version: serverVersion ?? '',
    api_version: apiVersion ?? '',
    minimum_api_version: minimumApiVersion ?? '',
  };
}
