/**
 * What do the executors of the entries need? The Docker daemon as the runner would find it, the folder of a
 * shell executor, programs. Only what is configured: docs/reference/runner-config.md#executors.
 */
import { join } from 'node:path';

import { hostPortOf } from '../go/dial/first-hop.ts';
import { flagValue } from '../core/flag-value.ts';
import type { RunnerProcess } from '../core/reading.ts';
import type { EndpointTarget, ExecutorBackend, ExecutorTarget, HostPort } from '../core/target.ts';
import type { TargetsQuestion } from './endpoint-target.ts';
import { environmentOf } from './endpoint-target.ts';
import { uniqueIds } from './unique-ids.ts';
import { EXECUTORS, SEEN_BACKENDS } from '../config/runner/executors.ts';
import type { Environment } from '../config/runner/expand.ts';
import { DEFAULT_DOCKER_HOST } from '../host/place/engine.ts';
import { asProcessSees } from '../host/place/runner-files.ts';
import { clusterOf } from './cluster-targets.ts';
import { programsOf } from './program-targets.ts';
import type { RunnerEntry } from '../config/runner/runner-config.ts';

/** The linter names it. */
const NO_TABLE = 'config.toml has no table of this executor';

interface Named {
  readonly entry: RunnerEntry;
  /** Of its runner target. */
  readonly id: string;
  /** Undefined when its url cannot be used. */
  readonly endpoint: EndpointTarget | undefined;
}

interface Found {
  readonly id: string;
  readonly backend: ExecutorBackend;
}

/** One target for each backend, in the order of first use. */
export function executorTargetsOf(
  entries: readonly Named[],
  question: TargetsQuestion,
): readonly ExecutorTarget[] {
  const found = entries.flatMap(({ entry, id, endpoint }) => {
    const one = backendOf(entry, question);
    if (one === undefined) return [];
    const gitlab = hasOwnRoute(entry) ? undefined : endpoint;
    return [{ ...one, runner: id, executor: entry.executor, endpoint: gitlab }];
  });
  const groups = [...Map.groupBy(found, backendKey).values()];
  const ids = uniqueIds(groups.map(([first]) => first?.id ?? ''));
  return groups.flatMap((members, index): ExecutorTarget[] => {
    const [first] = members;
    if (first === undefined) return [];
    const { executor, backend } = first;
    const id = ids[index] ?? first.id;
    const runners = members.map(({ runner }) => runner);
    const gitlabs = backend.kind === 'docker' ? { gitlabs: gitlabsOf(members) } : {};
    return [{ kind: 'executor', id, executor, runners, backend, ...gitlabs }];
  });
}

/** Two entries with one program may differ in another one; which of them names an address makes no difference. */
function backendKey({ id, backend }: Found): string {
  if (backend.kind !== 'programs' && backend.kind !== 'cluster') return id;
  const token = backend.kind === 'cluster' ? (backend.token?.fingerprint() ?? '') : '';
  return `${id} ${token} ${JSON.stringify({ ...backend, source: '' })}`;
}

/** Jobs with an address or a proxy of their own need not reach what the runner reaches. */
function hasOwnRoute({ cloneUrl = '', proxyLines }: RunnerEntry): boolean {
  return cloneUrl !== '' || proxyLines.length > 0;
}

/** The proxy of a job is in the job's own environment, which is unknown here. */
function gitlabsOf(
  members: readonly { readonly endpoint: EndpointTarget | undefined }[],
): readonly HostPort[] {
  const found = members.flatMap(({ endpoint }): (readonly [string, HostPort])[] => {
    if (endpoint === undefined || endpoint.proxy.kind === 'proxy') return [];
    return [[endpoint.url.host, hostPortOf(endpoint.url)]];
  });
  return [...new Map(found).values()];
}

/** Undefined for an executor that does not exist: the linter says so. */
function backendOf(entry: RunnerEntry, question: TargetsQuestion): Found | undefined {
  if (!EXECUTORS.includes(entry.executor)) return undefined;
  switch (SEEN_BACKENDS.get(entry.executor)) {
    case 'folder':
      return folderOf(entry, question);
    case 'docker':
      return dockerOf(entry, question);
    case 'programs':
      return programsOf(entry, question) ?? unseen(entry, NO_TABLE);
    case 'cluster':
      return clusterFound(entry, question);
    case undefined:
      return unseen(entry, 'runnerwatch has no check of this executor');
  }
}

function unseen({ executor }: RunnerEntry, because: string): Found {
  return { id: executor, backend: { kind: 'unseen', because } };
}

function clusterFound(entry: RunnerEntry, question: TargetsQuestion): Found {
  const { kubernetes } = entry.settings;
  if (kubernetes === undefined) return unseen(entry, NO_TABLE);
  const found = clusterOf(entry, kubernetes, question);
  return typeof found === 'string' ? unseen(entry, found) : found;
}

function folderOf(entry: RunnerEntry, question: TargetsQuestion): Found {
  const path = asProcessSees(entry.buildsDir ?? 'builds', question.process);
  const user = userOf(question.process);
  return { id: path, backend: { kind: 'folder', path, ...(user === undefined ? {} : { user }) } };
}

/** `host` of the entry with its own TLS settings; without it all comes from the environment. */
function dockerOf(entry: RunnerEntry, question: TargetsQuestion): Found {
  const { dockerHost, dockerCertificates } = entry;
  if (dockerHost !== undefined) {
    const source = `host of ${entry.name === '' ? `entry ${entry.number}` : entry.name}`;
    return dockerAt(dockerHost, source, dockerCertificates);
  }
  const environment = environmentOf(question);
  // A process whose environment is hidden may well have another address.
  if (environment === undefined && question.process !== undefined) {
    return unseen(entry, 'the environment of the process, which names Docker, cannot be read');
  }
  return dockerOfEnvironment(environment ?? {});
}

function dockerOfEnvironment(environment: Environment): Found {
  const { DOCKER_HOST = '', DOCKER_TLS_VERIFY = '', DOCKER_CERT_PATH = '' } = environment;
  if (DOCKER_HOST === '') return dockerAt(DEFAULT_DOCKER_HOST, 'default address', undefined);
  const home = environment['HOME'] ?? '/root';
  const folder = DOCKER_CERT_PATH === '' ? join(home, '.docker') : DOCKER_CERT_PATH;
  return dockerAt(DOCKER_HOST, 'DOCKER_HOST', DOCKER_TLS_VERIFY === '' ? undefined : folder);
}

function dockerAt(address: string, source: string, certificates: string | undefined): Found {
  const tls = certificates === undefined ? {} : { certificates };
  // Without the part before @: a displayed address needs no user.
  const id = address.replace(/(?<=\/\/)[^/@]*@/, '');
  return { id, backend: { kind: 'docker', source, ...tls } };
}

/** `--user`: as whom the jobs of shell executors run; the packaged unit passes it. */
function userOf(process: RunnerProcess | undefined): string | undefined {
  const user = flagValue(process?.arguments ?? [], '--user', '-u');
  return user === '' ? undefined : user;
}
