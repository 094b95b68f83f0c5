/**
 * Can the executor start a job: is what it stands on there, and may the runner use it?
 *
 * Source    The Docker daemon as the runner would find it (/_ping, /info, /version); rights of the runner's user by
 *           mode bits; the root of Docker by a child (host/fs/stat-file-system.ts); the folders of PATH; the containers that
 *           Docker runs for jobs, and the way to GitLab from the newest of them, by a child (go/container/container-probe.ts).
 * Measures  answer_seconds (all three answers of Docker), running_containers, root_free_ratio (0..1), overdue_jobs.
 * Reasons   daemon-down, socket-permission, not-responding, api-incompatible, root-full, docker-error,
 *           host-invalid, folder-not-writable, user-missing, plugin-missing, job-overdue, job-network.
 * Unknown   blind: runnerwatch itself may not ask. folder-silent.
 */
import { deadlineOf } from '../core/abort.ts';
import type { Fact, Finding } from '../core/finding.ts';
import type { OptionTable, ValuesOf } from '../core/option.ts';
import type { Tools } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import type { ExecutorTarget } from '../core/target.ts';
import { JobNetwork } from '../go/container/job-network.ts';
import { lookupLikeGo } from '../go/dns/lookup-function.ts';
import type { DockerAddress } from '../host/docker/api.ts';
import { parseDockerHost } from '../host/docker/api.ts';
import { newestJobProcess } from '../host/docker/jobs.ts';
import type { DockerJudgement } from '../host/docker/judgement.ts';
import { judgeDocker } from '../host/docker/judgement.ts';
import type { DockerExamination } from '../host/docker/examine.ts';
import { examineDaemon } from '../host/docker/examine.ts';
import { DockerRoots } from '../host/docker/root.ts';
import type { DockerRequest } from '../host/docker/status.ts';
import { folderFault, pluginFault } from '../host/fs/executor-files.ts';
import { FolderReader } from '../host/fs/folder-owners.ts';
import { FileSystemReader } from '../host/fs/stat-file-system.ts';

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
    severity: 'warning',
    meaning: 'Docker answers with an error that runnerwatch does not know.',
    action: 'Read the detail, and the journal of Docker.',
  },
  'host-invalid': {
    severity: 'warning',
    meaning: 'The address of Docker cannot be used: it needs a scheme such as unix:// or tcp://.',
    action: 'Correct `host` in [runners.docker], or DOCKER_HOST.',
  },
  'folder-not-writable': {
    severity: 'warning',
    meaning: 'The user of the jobs may not write in the folder of builds.',
    action: 'Give the folder to that user.',
  },
  'folder-silent': {
    meaning: 'The folder of builds does not answer, or is not to be seen by runnerwatch.',
    action: 'Look at the disk check of its file system.',
  },
  'user-missing': {
    severity: 'warning',
    meaning: 'The user that jobs shall run as does not exist.',
    action: 'Create it, or correct `--user` of the runner’s service.',
  },
  'plugin-missing': {
    severity: 'warning',
    meaning: 'The plugin of the autoscaler is not installed, so the runner asks for no jobs.',
    action: 'Install it with `gitlab-runner fleeting install`.',
  },
  'job-overdue': {
    severity: 'notice',
    meaning: 'A container of a job runs long after the timeout of its job, and nobody will end it.',
    action:
      'Look in GitLab whether the job is over; then remove its container with `docker rm -f`, and look for others of it.',
  },
  'job-network': {
    meaning: 'A container of a job cannot resolve or reach GitLab, and this host can.',
    action: 'Look at `dns`, `extra_hosts` and `network_mode` of [runners.docker].',
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

/** Remembers what a daemon said of its root, and what the last job met. */
export function createExecutor(reader: FileSystemReader) {
  const kept = { roots: new DockerRoots(reader), ways: new JobNetwork() };
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
      const { backend } = target;
      const facts = {
        stands_on: target.id,
        executor: target.executor,
        uid: target.credentials?.uid ?? 0,
      };
      if (backend.kind === 'docker') {
        return await lookAtDocker(target, options, tools, { ...kept, facts });
      }
      using deadline = deadlineOf(FOLDER_SECONDS, tools.signal);
      const deps = { reader: folders, paths: tools.paths, signal: deadline.signal };
      const fault =
        backend.kind === 'folder'
          ? await folderFault(backend, target.credentials, deps)
          : await pluginFault(backend, tools.paths);
      if (fault === undefined) return { status: 'pass', facts };
      if (fault !== 'silent') return { status: 'warn', ...fault, facts };
      const detail = `${target.id} does not say who may write in it`;
      return { status: 'unknown', reason: 'folder-silent', detail, facts };
    },
  });
}

export const executor = createExecutor(new FileSystemReader());

function questionFor(
  { credentials, backend }: ExecutorTarget,
  address: DockerAddress,
  { answer_seconds: answerSeconds }: ValuesOf<typeof OPTIONS>,
  { paths, signal, clock }: Tools,
): DockerRequest {
  const certificates = backend.kind === 'docker' ? backend.certificates : undefined;
  return {
    address,
    ...(certificates === undefined ? {} : { certificates }),
    ...(credentials === undefined ? {} : { credentials }),
    answerSeconds,
    paths,
    signal,
    lookup: lookupLikeGo({ paths, signal, clock }),
  };
}

interface Kept {
  readonly roots: DockerRoots;
  readonly ways: JobNetwork;
  readonly facts: Facts;
}

async function lookAtDocker(
  target: ExecutorTarget,
  options: ValuesOf<typeof OPTIONS>,
  tools: Tools,
  kept: Kept,
): Promise<ExecutorFinding> {
  const { id, backend } = target;
  if (backend.kind !== 'docker') return { status: 'pass' };
  const { certificates, source } = backend;
  const facts = { ...kept.facts, source };
  const address = parseDockerHost(id, certificates !== undefined);
  if (address === undefined) {
    const detail = `${id} (${source}) is no address of a Docker daemon`;
    return { status: 'warn', reason: 'host-invalid', detail, facts };
  }
  const question = questionFor(target, address, options, tools);
  const seen = await examineDaemon(id, question, tools.clock, kept.roots);
  const judged = judgeDocker(seen.status, `${id} (${source})`, options, seen.overdue);
  const fault =
    rootFault(seen, judged) ??
    (judged.status === 'fail'
      ? undefined
      : await networkFault(target, seen, question, tools, kept.ways));
  return { ...(fault ?? judged), facts: { ...facts, ...seen.facts }, measures: seen.measures };
}

/** A full disk is the root of whatever Docker does then. */
function rootFault({ root }: DockerExamination, judged: DockerJudgement) {
  if (root?.isFull !== true) return undefined;
  const also = judged.status === 'pass' ? '' : `; ${judged.detail}`;
  const detail = `${root.path}, where Docker keeps its images, is full${also}`;
  return { status: 'fail', reason: 'root-full', detail } as const;
}

/** What keeps jobs from GitLab, seen from the newest container of one. The processes of a daemon elsewhere are not ours. */
async function networkFault(
  { id, gitlabs = [] }: ExecutorTarget,
  { containers, isHere }: DockerExamination,
  question: DockerRequest,
  tools: Tools,
  ways: JobNetwork,
) {
  if (containers === undefined || gitlabs.length === 0 || !isHere) return undefined;
  const job = await newestJobProcess(containers, question);
  const detail = await ways.check(id, gitlabs, job, tools);
  return detail === undefined
    ? undefined
    : ({ status: 'fail', reason: 'job-network', detail } as const);
}
