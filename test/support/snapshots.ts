/** Snapshots for tests of rules and reports: a small healthy world of all real probes, with the changes of a test. */
import type { Check, CheckState, Snapshot } from '../../src/core/check.ts';
import type { CheckId, Fact, Finding } from '../../src/core/finding.ts';
import { dataWith } from '../../src/core/finding-data.ts';
import { VALIDITY } from '../../src/go/tls/handshake-facts.ts';
import type { RunnerContext } from '../../src/core/host-context.ts';
import type { Place } from '../../src/core/place.ts';
import type { Probe } from '../../src/core/probe.ts';
import type { Problem, RunnerProcess } from '../../src/core/reading.ts';
import type { LogSource } from '../../src/core/runner-event.ts';
import { Secret } from '../../src/core/secret.ts';
import type {
  EndpointTarget,
  ExecutorTarget,
  ProxyDecision,
  RunnerTarget,
  ServiceTarget,
  Target,
} from '../../src/core/target.ts';
import { LINKS } from '../../src/core/vocabulary.ts';
import { checksOf } from '../../src/checks/plan.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { ALL_PROBES } from '../../src/cli/all-probes.ts';
import { START } from './clock.ts';

export const CONFIG = '/etc/gitlab-runner/config.toml';
/** The backend of the executors of all entries. */
export const DOCKER = 'unix:///var/run/docker.sock';
/** That of an entry with the custom executor, in a world that names it. */
const PROGRAMS = '/opt/ci/run.sh';
const CLUSTER = 'https://10.96.0.1:443';
export const GITLAB = 'https://gitlab.example.com/';
/** The checks of a view do not change here; every state has lasted for a minute. */
export const SINCE = START - 60_000;

export const PROXY: ProxyDecision = {
  kind: 'proxy',
  scheme: 'http',
  host: 'proxy.example.com',
  port: 3128,
  variable: 'HTTPS_PROXY',
};

export const RUNNER_PROCESS: RunnerProcess = {
  pid: 812,
  uid: 0,
  startedAt: START - 86_400_000,
  state: 'S',
  arguments: ['gitlab-runner', 'run'],
  configPath: CONFIG,
  configFoundBy: 'default',
};

export interface World {
  readonly runners?: readonly RunnerTarget[];
  readonly proxy?: ProxyDecision;
  readonly process?: RunnerProcess | undefined;
  readonly configModifiedAt?: number;
  readonly configProblems?: readonly Problem[];
  readonly blind?: readonly string[];
  readonly mounts?: readonly string[];
  /** What every mount is used for. */
  readonly roles?: readonly string[];
  /** Entries whose jobs begin on every mount. */
  readonly jobFolders?: readonly string[];
  /** Entries by backend; DOCKER by default. */
  readonly executors?: Readonly<Record<string, readonly string[]>>;
  readonly log?: LogSource;
  /** What is known of the service beside its name. */
  readonly service?: Partial<ServiceTarget>;
  readonly concurrent?: number;
  /** Where the runner lives; by default as the package installs it. */
  readonly place?: Place;
  /** Default: the real ones. */
  readonly probes?: readonly Probe[];
}

const IN_DOCKER: Pick<ExecutorTarget, 'executor' | 'backend'> = {
  executor: 'docker',
  backend: { kind: 'docker', source: 'default address' },
};
const BACKENDS: Readonly<Record<string, Pick<ExecutorTarget, 'executor' | 'backend'>>> = {
  [PROGRAMS]: {
    executor: 'custom',
    backend: { kind: 'programs', programs: [], lacks: [], unexamined: 'they make an environment' },
  },
  [CLUSTER]: {
    executor: 'kubernetes',
    backend: {
      kind: 'cluster',
      api: undefined,
      source: 'host of k8s-1',
      proxy: { kind: 'direct', because: 'HTTPS_PROXY is not set' },
      runsByExec: false,
      system: {},
      lacks: [],
    },
  },
};
/** One of each kind, each with all of these entries. */
export function allBackendsOf(...runners: readonly string[]): NonNullable<World['executors']> {
  return Object.fromEntries([DOCKER, ...Object.keys(BACKENDS)].map((id) => [id, runners]));
}

/** The result of a check; a plain finding was seen three times since SINCE. */
export type FindingSpec = Finding | Partial<CheckState>;

export function fail(reason: string, facts: Readonly<Record<string, Fact>> = {}): Finding {
  return { status: 'fail', reason, detail: `seen: ${reason}`, facts };
}

export function warn(reason: string, facts: Readonly<Record<string, Fact>> = {}): Finding {
  return { status: 'warn', reason, detail: `seen: ${reason}`, facts };
}

const instantOf = (text = ''): number => Date.parse(text);

/** The dates of the certificate that the server showed, for a refusal by its dates. */
export function withDates(
  finding: Finding,
  { not_before, not_after }: Readonly<Record<string, string>>,
): Finding {
  const validity = { notBefore: instantOf(not_before), notAfter: instantOf(not_after) };
  return { ...finding, data: dataWith(VALIDITY, validity) };
}

export const SKIPPED: Finding = {
  status: 'skipped',
  reason: 'earlier-link',
  detail: 'an earlier link failed',
};

export function runner(id: string, over: Partial<RunnerTarget> = {}): RunnerTarget {
  const url = over.url ?? GITLAB;
  return {
    kind: 'runner',
    id,
    name: `docker-${id.slice(-1)}`,
    executor: 'docker',
    url,
    endpoint: url,
    token: new Secret(`glrt-${id}-not-shown`),
    systemId: 's_0123456789ab',
    line: 7,
    ...over,
  };
}

/** A snapshot of the world; checks are named `probe`, at the first target, or `probe@target`. */
export function snapshotOf(
  findings: Readonly<Record<string, FindingSpec>> = {},
  world: World = {},
): Snapshot {
  const context = contextOf(world);
  const settings = { requestsPerHour: 10_000, probes: {} };
  const targets = targetsOf(context, world);
  const checks = checksOf(world.probes ?? ALL_PROBES, targets, settings, [context]);
  const names = new Map(
    Object.keys(findings).map((name) => [idOf(name, checks, findings[name] === SKIPPED), name]),
  );
  return {
    takenAt: START,
    hostContext: { host: 'ci-07', contexts: [context] },
    checks: checks.map((check) => stateOf(check, findings[names.get(check.id) ?? ''])),
  };
}

/** The same snapshot, with these changes of its one installation. */
export function changeContext(snapshot: Snapshot, over: Partial<RunnerContext>): Snapshot {
  const { host, contexts } = snapshot.hostContext;
  return { ...snapshot, hostContext: { host, contexts: [{ ...contexts[0], ...over }] } };
}

/** What a walk leaves behind when a link fails: the ones after it are not tried. */
export function brokenAt(
  link: (typeof LINKS)[number],
  finding: FindingSpec,
  endpoint = GITLAB,
  runners: readonly string[] = ['runnerAA1', 'runnerAA2'],
): Readonly<Record<string, FindingSpec>> {
  const later = LINKS.slice(LINKS.indexOf(link) + 1).flatMap((name) =>
    name === 'token' ? runners.map((id) => `token@${id}`) : [`${name}@${endpoint}`],
  );
  return {
    ...Object.fromEntries(later.map((id) => [id, SKIPPED])),
    [`${link}@${endpoint}`]: finding,
  };
}

export function stateOf(check: Check, spec: FindingSpec = { status: 'pass' }): CheckState {
  const over: Partial<CheckState> = 'status' in spec ? { finding: spec } : spec;
  const finding = over.finding ?? { status: 'pass' };
  const last = { check: check.id, startedAt: START - 1000, durationSeconds: 0.25, finding };
  return {
    check,
    finding,
    last,
    since: SINCE,
    streak: 3,
    recent: [last],
    counters: { runs: 3, failures: finding.status === 'fail' ? 3 : 0, missed: 0 },
    ...over,
  };
}

/** A link that does not apply in this world (no proxy) may well be skipped. */
function idOf(name: string, checks: readonly Check[], isOptional: boolean): CheckId | undefined {
  const found = checks.find(({ id, probe }) => id === name || probe.id === name);
  if (found === undefined && !isOptional) throw new Error(`no check ${name} in this world`);
  return found?.id;
}

function contextOf(world: World): RunnerContext {
  const runners = world.runners ?? [runner('runnerAA1'), runner('runnerAA2')];
  const urls = [...new Set(runners.flatMap(({ endpoint }) => endpoint ?? []))];
  return {
    place: placeIn(world),
    configPath: CONFIG,
    configFoundBy: 'process-argument',
    configLoad: { successful: true, successAt: START - 3_600_000 },
    configProblems: world.configProblems ?? [],
    process: 'process' in world ? world.process : RUNNER_PROCESS,
    blind: world.blind ?? [],
    runners,
    endpoints: urls.map((id) => endpointOf(id, world)),
  };
}

function placeIn({ place = PACKAGED_PLACE, log }: World): Place {
  return log === undefined ? place : { ...place, log };
}

function endpointOf(id: string, { proxy }: World): EndpointTarget {
  return {
    kind: 'endpoint',
    id,
    url: new URL(id),
    trust: { certsDirectory: '/etc/gitlab-runner/certs' },
    proxy: proxy ?? { kind: 'direct', because: 'HTTPS_PROXY is not set' },
  };
}

function targetsOf(context: RunnerContext, world: World): readonly Target[] {
  const reading = {
    path: CONFIG,
    foundBy: context.configFoundBy,
    readAt: START,
    modifiedAt: world.configModifiedAt ?? START - 3_600_000,
    problems: context.configProblems,
    ...(world.concurrent === undefined ? {} : { concurrent: world.concurrent }),
  };
  const executors = world.executors ?? { [DOCKER]: context.runners.map(({ id }) => id) };
  return [
    ...context.endpoints,
    ...context.runners,
    { kind: 'config', id: CONFIG, reading },
    { kind: 'service', id: 'gitlab-runner.service', ...world.service },
    ...(world.mounts ?? ['/']).map((id) => ({
      kind: 'mount' as const,
      id,
      fileSystemType: 'ext4',
      readOnly: false,
      path: id,
      roles: world.roles ?? ['builds_dir'],
      ...(world.roles?.includes('/var/log') === true ? {} : { isOfJobs: true as const }),
      ...(world.jobFolders === undefined
        ? {}
        : { jobFolders: world.jobFolders.map((entry) => ({ runner: entry })) }),
    })),
    ...Object.entries(executors).map(([id, runners]) => ({
      kind: 'executor' as const,
      id,
      runners,
      ...(BACKENDS[id] ?? IN_DOCKER),
    })),
    { kind: 'host', id: 'host' },
  ];
}
