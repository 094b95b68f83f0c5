/**
 * Can the executor start a job: is what it stands on there, and may the runner use it?
 *
 * Source    The Docker daemon as the runner would find it (/_ping, /info, /version); rights of the runner's user by
 *           mode bits; the root of Docker by a child (host/stat-file-system.ts); the folders of PATH; the containers that Docker runs for jobs.
 * Measures  answer_seconds (all three answers of Docker), running_containers, root_free_ratio (0..1), overdue_jobs.
 * Reasons   daemon-down, socket-permission, not-responding, api-incompatible, root-full, docker-error,
 *           host-invalid, folder-not-writable, user-missing, plugin-missing, job-overdue.
 * Unknown   blind: runnerwatch itself may not ask. folder-silent.
 */
import { deadlineOf } from '../core/abort.ts';
import type { Fact, Finding } from '../core/finding.ts';
import type { OptionTable, ValuesOf } from '../core/option.ts';
import { inRoot } from '../core/paths.ts';
import type { Tools } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import type { ExecutorTarget } from '../core/target.ts';
import type { DockerAddress } from '../host/docker-api.ts';
import { parseDockerHost } from '../host/docker-api.ts';
import type { OverdueJob } from '../host/docker-jobs.ts';
import { readOverdueJobs } from '../host/docker-jobs.ts';
import { judgeDocker } from '../host/docker-judgement.ts';
import { readDockerRoot } from '../host/docker-root.ts';
import type { DockerQuestion, DockerStatus } from '../host/docker-status.ts';
import { dockerStatus } from '../host/docker-status.ts';
import { DEFAULT_FULLNESS, fullnessOf } from '../host/fullness.ts';
import { folderFault, pluginFault } from '../host/executor-files.ts';
import { FolderReader } from '../host/folder-look.ts';
import { FileSystemReader } from '../host/stat-file-system.ts';

/** A root that hangs is the business of the disk check. */
const ROOT_SECONDS = 4;
const FOLDER_SECONDS = 5;

const OPTIONS = {
  answer_seconds: {
    kind: 'number',
    default: 10,
    unit: 'seconds',
    min: 0.1,
    max: 14,
    help: 'Docker that answers later than this hangs: the runner would wait for it with a job in hand.',
  },
  runner_api_minor: {
    kind: 'number',
    default: 51,
    unit: 'count',
    min: 24,
    max: 999,
    help: 'Minor of the newest Docker API (1.x) that this runner speaks; a daemon that wants more refuses every job.',
  },
} as const satisfies OptionTable;

const REASONS = {
  'daemon-down': {
    meaning: 'Nobody listens where the runner looks for Docker.',
    action: 'Start Docker, or correct the address.',
  },
  'socket-permission': {
    meaning: 'The user of the runner may not use the socket of Docker.',
    action: 'Put the user into the group of the socket and restart the runner.',
  },
  'not-responding': {
    meaning: 'Docker takes the connection and does not answer.',
    action: 'Look at its journal, then restart it.',
  },
  'api-incompatible': {
    meaning: 'Docker and the runner have no version of the API in common.',
    action: 'Upgrade the runner, or lower `min-api-version` of Docker.',
  },
  'root-full': {
    meaning: 'The file system of Docker’s images and volumes has no room.',
    action: 'Remove what Docker no longer needs.',
  },
  'docker-error': {
    meaning: 'Docker answers with an error that runnerwatch does not know.',
    action: 'Read the detail, and the journal of Docker.',
  },
  'host-invalid': {
    meaning: 'The address of Docker cannot be used: it needs a scheme such as unix:// or tcp://.',
    action: 'Correct `host` in [runners.docker], or DOCKER_HOST.',
  },
  'folder-not-writable': {
    meaning: 'The user of the jobs may not write in the folder of builds.',
    action: 'Give the folder to that user.',
  },
  'folder-silent': {
    meaning: 'The folder of builds does not answer, or is not to be seen by runnerwatch.',
    action: 'Look at the disk check of its file system.',
  },
  'user-missing': {
    meaning: 'The user that jobs shall run as does not exist.',
    action: 'Create it, or correct `--user` of the runner’s service.',
  },
  'plugin-missing': {
    meaning: 'The plugin of the autoscaler is not installed, so the runner asks for no jobs.',
    action: 'Install it with `gitlab-runner fleeting install`.',
  },
  'job-overdue': {
    meaning: 'A container of a job runs long after the timeout of its job, and nobody will end it.',
    action:
      'Look in GitLab whether the job is over; then remove its container with `docker rm -f`, and look for others of it.',
  },
  blind: {
    meaning: 'runnerwatch itself may not use the socket of Docker.',
    action: 'Run runnerwatch as root.',
  },
} as const;

const MEASURES = {
  answer_seconds: { help: 'Time of Docker’s answers to ping, info and version.' },
  running_containers: { help: 'Containers that run, whoever started them.' },
  root_free_ratio: { help: 'Share of free space where Docker keeps images and volumes.' },
  overdue_jobs: { help: 'Containers that have outlived the timeout of their job.' },
};

type ExecutorFinding = Finding<keyof typeof REASONS, keyof typeof MEASURES>;
type Facts = Readonly<Record<string, Fact>>;

/** Remembers the root of each daemon, for the time when the daemon cannot be asked. */
export function createExecutor(reader: FileSystemReader) {
  const roots = new Map<string, string>();
  const folders = new FolderReader();
  return defineProbe({
    id: 'executor',
    title: 'Executor',
    question: 'Can the executor start a job, with what it stands on?',
    kind: 'executor',
    needs: [],
    intervalSeconds: 30,
    timeoutSeconds: 15,
    options: OPTIONS,
    reasons: REASONS,
    measures: MEASURES,

    async run(target, options, tools): Promise<ExecutorFinding> {
      const { stand } = target;
      const facts = {
        stands_on: target.id,
        executor: target.executor,
        uid: target.credentials?.uid ?? 0,
      };
      if (stand.kind === 'docker') {
        return await lookAtDocker(target, options, tools, { reader, roots, facts });
      }
      using deadline = deadlineOf(FOLDER_SECONDS, tools.signal);
      const loan = { reader: folders, paths: tools.paths, signal: deadline.signal };
      const fault =
        stand.kind === 'folder'
          ? await folderFault(stand, target.credentials, loan)
          : await pluginFault(stand, tools.paths);
      if (fault === undefined) return { status: 'pass', facts };
      if (fault !== 'silent') return { status: 'warn', ...fault, facts };
      const detail = `${target.id} does not say who may write in it`;
      return { status: 'unknown', reason: 'folder-silent', detail, facts };
    },
  });
}

export const executor = createExecutor(new FileSystemReader());

function questionFor(
  { credentials, stand }: ExecutorTarget,
  address: DockerAddress,
  { answer_seconds: answerSeconds }: ValuesOf<typeof OPTIONS>,
  { paths, signal }: Tools,
): DockerQuestion {
  const certificates = stand.kind === 'docker' ? stand.certificates : undefined;
  return {
    address,
    ...(certificates === undefined ? {} : { certificates }),
    ...(credentials === undefined ? {} : { credentials }),
    answerSeconds,
    paths,
    signal,
  };
}

interface Kept {
  readonly reader: FileSystemReader;
  readonly roots: Map<string, string>;
  readonly facts: Facts;
}

async function lookAtDocker(
  target: ExecutorTarget,
  options: ValuesOf<typeof OPTIONS>,
  tools: Tools,
  kept: Kept,
): Promise<ExecutorFinding> {
  const { id, stand } = target;
  if (stand.kind !== 'docker') return { status: 'pass' };
  const { certificates, source } = stand;
  const facts = { ...kept.facts, source };
  const address = parseDockerHost(id, certificates !== undefined);
  if (address === undefined) {
    const detail = `${id} (${source}) is no address of a Docker daemon`;
    return { status: 'warn', reason: 'host-invalid', detail, facts };
  }
  const { clock } = tools;
  const start = clock.seconds();
  const question = questionFor(target, address, options, tools);
  const status = await dockerStatus(question);
  const measures = { answer_seconds: clock.seconds() - start };
  const overdue = status.kind === 'up' ? await readOverdueJobs(question, clock.wall()) : undefined;
  const judged = judgeDocker(status, `${id} (${source})`, options, overdue);
  const root = address.kind === 'socket' ? await rootOf(status, id, tools, kept) : undefined;
  const about = { facts: { ...facts, ...factsOf(status), root: root?.path ?? '' } };
  const seen = { ...measures, ...measuresOf(status, overdue), ...root?.measures };
  // A full disk is the root of whatever Docker does then.
  if (root?.isFull !== true) return { ...judged, ...about, measures: seen };
  const also = judged.status === 'pass' ? '' : `; ${judged.detail}`;
  const detail = `${root.path}, where Docker keeps its images, is full${also}`;
  return { status: 'fail', reason: 'root-full', detail, ...about, measures: seen };
}

/** Its own word, what it said before, or its settings. Read as the host sees it: the daemon is on this host. */
async function rootOf(status: DockerStatus, id: string, tools: Tools, { reader, roots }: Kept) {
  const { clock, signal, paths } = tools;
  const told = status.kind === 'up' ? status.rootDirectory : undefined;
  if (told !== undefined) roots.set(id, told);
  const path = told ?? roots.get(id) ?? (await readDockerRoot(paths));
  using deadline = deadlineOf(ROOT_SECONDS, signal);
  const loan = { clock, signal: deadline.signal };
  const answer = await reader.read(path, inRoot(paths, path), loan);
  if (answer.kind !== 'size') return { path, isFull: false };
  const { size } = answer;
  const fullness = fullnessOf(size, DEFAULT_FULLNESS);
  const isFull = fullness === 'full' || fullness === 'inodes-exhausted';
  const measures = size.sizeBytes === 0 ? {} : { root_free_ratio: size.freeBytes / size.sizeBytes };
  return { path, isFull, measures };
}

function measuresOf(status: DockerStatus, overdue: readonly OverdueJob[] | undefined) {
  const containers = status.kind === 'up' ? status.runningContainers : undefined;
  return {
    ...(containers === undefined ? {} : { running_containers: containers }),
    ...(overdue === undefined ? {} : { overdue_jobs: overdue.length }),
  };
}

function factsOf(status: DockerStatus): Facts {
  if (status.kind !== 'up') return {};
  const { serverVersion, apiVersion, minimumApiVersion } = status;
  return {
    server_version: serverVersion ?? '',
    api_version: apiVersion ?? '',
    minimum_api_version: minimumApiVersion ?? '',
  };
}
