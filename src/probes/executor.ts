/**
 * Can the executor start a job: is its backend there, and may the runner use it?
 *
 * Source    The Docker daemon as the runner would use it (/_ping, /info, /version); rights of the runner's user by
 *           mode bits; the root of Docker by a child (host/fs/stat-file-system.ts); the folders of PATH; the containers that
 *           Docker runs for jobs, and the path to GitLab from the newest of them, by a child (go/container/container-probe.ts).
 * Measures  answer_seconds (all three answers of Docker), running_containers, root_free_ratio (0..1), overdue_jobs.
 * Reasons   daemon-down, socket-not-mounted, socket-replaced (of a container), socket-permission, not-responding, api-incompatible, root-full, docker-error,
 *           host-invalid, folder-not-writable, user-missing, job-overdue, job-network.
 * Unknown   blind: runnerwatch itself has no access. folder-silent. not-examined: no check looks at the executor.
 */
import { deadlineOf } from '../core/abort.ts';
import type { Fact, Finding } from '../core/finding.ts';
import type { OptionTable, ValuesOf } from '../core/option.ts';
import type { Tools } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import { credentialsOf } from '../core/reading.ts';
import type { ExecutorBackend, ExecutorTarget } from '../core/target.ts';
import { plainIdOf } from '../core/target.ts';
import { JobNetwork } from '../go/container/job-network.ts';
import { dialerLikeGo } from '../go/dial/dialer.ts';
import type { DockerAddress } from '../host/docker/api.ts';
import { parseDockerHost } from '../host/docker/api.ts';
import { newestJobProcess } from '../host/docker/jobs.ts';
import type { DockerJudgement } from '../host/docker/judgement.ts';
import { DOCKER_REASONS, judgeDocker } from '../host/docker/judgement.ts';
import type { DockerExamination } from '../host/docker/examine.ts';
import { examineDaemon } from '../host/docker/examine.ts';
import { DockerRoots } from '../host/docker/root.ts';
import type { DockerRequest } from '../host/docker/status.ts';
import { FILE_REASONS, folderFault } from '../host/fs/executor-files.ts';
import { FolderReader } from '../host/fs/folder-owners.ts';
import { isThereIn } from '../host/fs/in-root.ts';
import { FileSystemReader } from '../host/fs/stat-file-system.ts';

const FOLDER_SECONDS = 5;

const OPTIONS = {
  answer_seconds: {
    kind: 'number',
    default: 10,
    unit: 'seconds',
    min: 0.1,
    max: 14,
    help: 'If Docker takes longer than this to respond, it counts as hung: the runner would wait for it during a job.',
  },
  runner_api_minor: {
    kind: 'number',
    default: 51,
    unit: 'count',
    min: 24,
    max: 999,
    help: 'Minor version of the newest Docker API (1.x) that this runner uses; a daemon that requires a newer one rejects every job.',
  },
} as const satisfies OptionTable;

const REASONS = {
  ...DOCKER_REASONS,
  ...FILE_REASONS,
  ...leadToCauses('job-network'),
  'host-invalid': {
    kind: 'cause',
    severity: 'warning',
    meaning: 'The address of Docker is invalid: it needs a scheme such as unix:// or tcp://.',
    action: 'Correct `host` in [runners.docker], or DOCKER_HOST.',
  },
  'not-examined': {
    kind: 'unseen',
    meaning:
      'No check looks at what this executor needs, so it is unknown whether jobs can run; a job that ran proves it.',
    action: 'Run a job of this entry, or watch the backend of the executor by its own means.',
  },
  'folder-silent': {
    kind: 'unseen',
    meaning: 'The builds directory does not respond, or runnerwatch cannot see it.',
    action: 'Check the disk check of its file system.',
  },
} as const;

const MEASURES = {
  answer_seconds: { help: "Duration of Docker's responses to ping, info and version." },
  running_containers: { help: 'Running containers, whoever started them.' },
  root_free_ratio: { help: "Share of free space in Docker's data directory." },
  overdue_jobs: { help: 'Containers that still run after the timeout of their job.' },
};

type ExecutorFinding = Finding<keyof typeof REASONS, keyof typeof MEASURES>;
type Facts = Readonly<Record<string, Fact>>;

/** Keeps the root that each daemon reported, and the result of the last job's network check. */
export function createExecutor(reader: FileSystemReader) {
  const kept = { roots: new DockerRoots(reader), ways: new JobNetwork() };
  const folders = new FolderReader();
  return defineProbe({
    id: 'executor',
    title: 'Executor',
    question: 'Can the executor start a job?',
    kind: 'executor',
    changedBy: ['config-executor', 'engine-settings'],
    isProvenByJobs: true,
    needs: [],
    intervalSeconds: 30,
    timeoutSeconds: 15,
    options: OPTIONS,
    reasons: REASONS,
    measures: MEASURES,
    applies: ({ backend }) => backend.kind !== 'programs' && backend.kind !== 'cluster',

    async run(target, options, tools): Promise<ExecutorFinding> {
      const { backend } = target;
      const credentials = credentialsOf(tools.process);
      const facts = {
        stands_on: plainIdOf(target),
        executor: target.executor,
        uid: credentials?.uid ?? 0,
      };
      switch (backend.kind) {
        case 'docker':
          return await checkDocker(target, options, tools, { ...kept, facts });
        case 'folder':
          return await checkFolder(target, backend, { tools, folders, facts });
        case 'unseen':
          return notExamined(target, backend.because, facts);
        case 'programs':
        case 'cluster':
          return notExamined(target, 'another check looks at it', facts);
      }
    },
  });
}

export const executor = createExecutor(new FileSystemReader());

type Backend<K extends ExecutorBackend['kind']> = Extract<ExecutorBackend, { kind: K }>;

async function checkFolder(
  target: ExecutorTarget,
  backend: Backend<'folder'>,
  { tools, folders, facts }: { tools: Tools; folders: FolderReader; facts: Facts },
): Promise<ExecutorFinding> {
  using deadline = deadlineOf(FOLDER_SECONDS, tools.signal);
  const deps = { reader: folders, paths: tools.paths, signal: deadline.signal };
  const fault = await folderFault(backend, credentialsOf(tools.process), deps);
  if (fault === undefined) return { status: 'pass', facts };
  if (fault !== 'silent') {
    return { status: 'fail', ...fault, facts: { ...facts, ...fault.facts } };
  }
  const detail = `the permissions of ${plainIdOf(target)} cannot be read`;
  return { status: 'unknown', reason: 'folder-silent', detail, facts };
}

function notExamined(
  { executor: name }: ExecutorTarget,
  because: string,
  facts: Facts,
): ExecutorFinding {
  const detail = `whether the executor ${name} can run jobs is not known: ${because}`;
  return { status: 'unknown', reason: 'not-examined', detail, facts };
}

function questionFor(
  { backend }: ExecutorTarget,
  address: DockerAddress,
  { answer_seconds: answerSeconds }: ValuesOf<typeof OPTIONS>,
  { paths, process, signal, clock }: Tools,
): DockerRequest {
  const credentials = credentialsOf(process);
  const certificates = backend.kind === 'docker' ? backend.certificates : undefined;
  return {
    address,
    ...(certificates === undefined ? {} : { certificates }),
    ...(credentials === undefined ? {} : { credentials }),
    answerSeconds,
    paths,
    signal,
    dial: dialerLikeGo({ paths, signal, clock, timeoutSeconds: answerSeconds }),
  };
}

interface Kept {
  readonly roots: DockerRoots;
  readonly ways: JobNetwork;
  readonly facts: Facts;
}

async function checkDocker(
  target: ExecutorTarget,
  options: ValuesOf<typeof OPTIONS>,
  tools: Tools,
  kept: Kept,
): Promise<ExecutorFinding> {
  const { id, backend } = target;
  if (backend.kind !== 'docker') return { status: 'pass' };
  const { certificates, source } = backend;
  const tls = certificates === undefined ? {} : { docker_certificates: certificates };
  const facts = { ...kept.facts, source, ...tls };
  const name = plainIdOf(target);
  const address = parseDockerHost(name, certificates !== undefined);
  if (address === undefined) {
    const detail = `${name} (${source}) is not a valid address of a Docker daemon`;
    return { status: 'fail', reason: 'host-invalid', detail, facts };
  }
  const question = questionFor(target, address, options, tools);
  const seen = await examineDaemon(id, question, tools.clock, kept.roots);
  const judged = judgeDocker(seen.status, `${name} (${source})`, options, seen.overdue);
  const fault =
    rootFault(seen, judged) ??
    (await socketFault(seen, address, judged, tools)) ??
    (judged.status === 'fail'
      ? undefined
      : await networkFault(target, seen, question, tools, kept.ways));
  return { ...(fault ?? judged), facts: { ...facts, ...seen.facts }, measures: seen.measures };
}

/** A container has the socket of the host, one that has ended on the host, or none. */
async function socketFault(
  { status }: DockerExamination,
  address: DockerAddress,
  { status: result }: DockerJudgement,
  { place, paths }: Tools,
) {
  const isDown = result === 'fail' && status.kind === 'down' && address.kind === 'socket';
  if (!isDown || paths.container === undefined) return undefined;
  const { path } = address;
  if (!(await isThereIn(paths, path))) {
    const detail = `the container of the runner has no socket at ${path}`;
    return { status: 'fail', reason: 'socket-not-mounted', detail } as const;
  }
  const replaced = await place.replacedOnHost?.(path);
  if (replaced?.isThere !== true) return undefined;
  const detail = `the container of the runner has a socket at ${path} that nothing listens on any more: on the host another one has taken its place at ${replaced.source} since the container started`;
  return { status: 'fail', reason: 'socket-replaced', detail } as const;
}

/** A full disk explains every other fault of Docker. */
function rootFault({ root }: DockerExamination, judged: DockerJudgement) {
  if (root?.isFull !== true) return undefined;
  const also = judged.status === 'pass' ? '' : `; ${judged.detail}`;
  const detail = `the file system of Docker's data directory ${root.path} is full${also}`;
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
