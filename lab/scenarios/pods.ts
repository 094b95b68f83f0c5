/** runnerwatch as a container of the runner's pod, with and without a view of the runner's process. */
import { appendFile } from 'node:fs/promises';

import type { Report } from '../../src/report/document.ts';
import type { PodSetup } from '../container/pod.ts';
import { POD_CONFIG_FOLDER } from '../container/pod.ts';
import { DEAD_ADDRESS, PROXY_ADDRESS } from '../network.ts';
import { LISTENS, startCounters } from '../peers/counters.ts';
import { untilGood } from '../observe.ts';
import { FROM_PRIVATE_ROOT, PRIVATE_ROOT, PUBLIC_ROOT } from '../peers/pki.ts';
import { usualEntry } from '../runner-config.ts';
import type { FaultRow, HealthyRow, Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';
import { PORT_CLOSED, RESOLVER_DOWN, TOKEN_FORGOTTEN } from './path-faults.ts';

type Tls = Report['checks'][number];

const PATIENCE_SECONDS = 120;
const OUR_IMAGE = /which the image of runnerwatch trusts/;
const SHARED_FILE = `${POD_CONFIG_FOLDER}/certs/root.pem`;
const SHARED: PodSetup = { sharesProcesses: true };
const APART: PodSetup = {};
const GLOBALS = 'concurrent = 4\ncheck_interval = 3\n';
const DEAD_PROXY = `${PROXY_ADDRESS}:3128`;
/** What a pod must not be read as. */
const MUST_NOT = [
  'config-missing',
  'config-no-runners',
  'config-wrong-file',
  'disk-read-only',
  'monitor-blind',
  'runner-not-installed',
];

const PLACES: readonly (readonly [name: string, setup: PodSetup])[] = [
  ['pod with shared processes', SHARED],
  ['pod', APART],
];

/** The runner serves its metrics, as by `metrics.enabled` of the chart. */
async function serveMetrics(world: World): Promise<void> {
  world.adopt(await startCounters(world));
}

const ANSWERING: WorldOptions = {
  pod: APART,
  globals: `${LISTENS}${GLOBALS}`,
  before: serveMetrics,
};
/** The entrypoint of the chart registers it. */
const UNREGISTERED: WorldOptions = {
  files: () => ({
    [`${POD_CONFIG_FOLDER}/config.toml`]: GLOBALS,
    '/configmaps/entrypoint': '#!/bin/bash\n',
  }),
};
/** The image of the runner trusts one authority more than that of runnerwatch. */
const MORE_TRUST: WorldOptions = {
  certificate: FROM_PRIVATE_ROOT,
  files: () => ({
    '/etc/ssl/certs/ca-certificates.crt': `${PUBLIC_ROOT.pem}${PRIVATE_ROOT.pem}`,
  }),
};

/** What is printed can be typed where a pod is: nothing in it or on its node. */
async function printsForPod({ daemon }: World): Promise<string | undefined> {
  const { causes } = await daemon.report();
  const commands = causes.flatMap(({ fix }) => fix.flatMap(({ command }) => command ?? []));
  const odd = commands.find((command) => !/^(?:kubectl|helm) -n gitlab /.test(command));
  return odd === undefined ? undefined : `a command that does not apply in a pod: ${odd}`;
}

type Fault = Pick<FaultRow, 'title' | 'inject' | 'expect'> & Partial<FaultRow>;

const FAULTS: readonly Fault[] = [RESOLVER_DOWN, PORT_CLOSED, TOKEN_FORGOTTEN];

/** By what the cluster or its values set for the pod. */
const POD_FAULTS: readonly Fault[] = [
  {
    title: 'a policy of the network drops what it sends to GitLab',
    inject: async ({ network }) => await network.rule('gl', 'input', 'tcp dport 443 drop'),
    expect: { cause: 'tcp-connect-timeout', severity: 'critical', chain: 'o/F/n/s/s/s/s' },
    runnerLogs: /i\/o timeout/,
  },
  {
    title: 'hostAliases have an old address of GitLab',
    inject: async ({ files }) =>
      await files.write('/etc/hosts', `127.0.0.1 localhost\n${DEAD_ADDRESS} gitlab.test\n`),
    expect: { cause: 'dns-hosts-override-stale', severity: 'critical', says: /hostAliases/ },
    runnerLogs: /dial tcp 10\.200\.0\.77:443/,
  },
];

const PROBED: WorldOptions = {
  pod: SHARED,
  files: () => ({
    '/configmaps/entrypoint': '#!/bin/bash\n',
    '/configmaps/check-live':
      '#!/bin/bash\ngitlab-runner verify --url= 2>&1 | grep -E "is (alive|valid)"\n',
  }),
};
/** Three probes of a chart that asks every ten seconds. */
const PROBE_MILLISECONDS = 30_000;

/** As the kubelet does, once the probe has failed three times. */
async function endByProbe({ daemon, runner }: World): Promise<void> {
  const { lacks } = await untilGood(daemon, lacksLongOutage, PATIENCE_SECONDS);
  if (lacks !== undefined) throw new Error(lacks);
  await runner.restart();
}

function lacksLongOutage({ causes }: Report): string | undefined {
  const told = causes.find(({ id }) => id === 'runner-ended-by-liveness-probe');
  const isLong = told !== undefined && Date.now() - Date.parse(told.since) > PROBE_MILLISECONDS;
  return isLong ? undefined : 'the probe does not fail for long enough';
}

const SHARED_FAULTS: readonly Fault[] = [
  {
    title: 'GitLab has a certificate of an authority that nobody trusts',
    inject: async ({ gitlab }) => await gitlab.serve(FROM_PRIVATE_ROOT),
    expect: { cause: 'tls-unknown-authority', severity: 'critical', chain: 'o/o/n/F/s/s/s' },
    runnerLogs: /unknown authority/,
  },
  {
    title: 'a signal has stopped the runner',
    inject: ({ runner }) => runner.signal('SIGSTOP'),
    expect: { cause: 'runner-hung', severity: 'critical', says: /pkill -CONT gitlab-runner/ },
    runnerLogs: 'nothing',
    recover: ({ runner }) => runner.signal('SIGCONT'),
  },
  {
    title: 'the runner ends, and nothing starts it again',
    inject: async ({ runner }) => await runner.stop(),
    expect: { cause: 'runner-not-running', severity: 'critical' },
    runnerLogs: 'nothing',
    needsHistory: true,
  },
  ...POD_FAULTS,
  {
    title: 'its values set a proxy where nobody is',
    inject: async ({ runner }) => await runner.restart({ HTTPS_PROXY: `http://${DEAD_PROXY}` }),
    expect: { cause: 'proxy-unreachable', severity: 'critical', chain: 'o/F/Fs/s/s/s/s' },
    runnerLogs: /proxyconnect tcp: dial tcp .*connection refused/,
  },
  {
    ...PORT_CLOSED,
    title: 'GitLab is down, and the liveness probe of the chart ends the runner',
    world: PROBED,
    inject: async (world) => {
      await world.gitlab.stop();
      await endByProbe(world);
    },
    expect: { ...PORT_CLOSED.expect, also: ['runner-ended-by-liveness-probe'] },
    mustNot: [...MUST_NOT, 'runner-not-running', 'runner-crash-loop'],
    holds: async (world) => (await saysItEnded(world)) ?? (await printsForPod(world)),
    needsHistory: true,
  },
];

async function saysItEnded({ daemon }: World): Promise<string | undefined> {
  const { causes } = await daemon.report();
  const told = causes.find(({ id }) => id === 'runner-ended-by-liveness-probe');
  return told?.severity === 'warning' ? undefined : `the probe is told as ${told?.severity}`;
}

const APART_FAULTS: readonly Fault[] = [
  {
    title: 'the runner ends, and its metrics with it',
    world: ANSWERING,
    inject: async ({ release }) => await release(),
    expect: { cause: 'runner-not-running', severity: 'critical' },
    runnerLogs: 'nothing',
    needsHistory: true,
  },
  ...POD_FAULTS,
];

/** The authority of GitLab is known to no image but that of runnerwatch. */
async function onlyWeTrust({ files }: World): Promise<void> {
  await appendFile(`${files.path}-bundle.pem`, PRIVATE_ROOT.pem);
}

/** Until a check is as the row says; an error if it never is. */
async function untilTls({ daemon }: World, isWanted: (tls: Tls) => boolean): Promise<void> {
  const lack = ({ checks }: Report): string | undefined =>
    checks.some((check) => check.probe === 'tls' && isWanted(check)) ? undefined : 'not so';
  const { lacks } = await untilGood(daemon, lack, PATIENCE_SECONDS);
  if (lacks !== undefined) throw new Error('the check of tls is not as it should be');
}

function faultsOf(place: number, own: readonly Fault[]): readonly FaultRow[] {
  const [name = '', pod = SHARED] = PLACES[place] ?? [];
  return [...FAULTS, ...own].map((fault, index) => ({
    holds: printsForPod,
    isUnsure: pod === APART,
    mustNot: MUST_NOT,
    world: { pod },
    ...fault,
    id: `K-${place + 1}${index + 10}`,
    title: `${fault.title}: ${name}`,
  }));
}

const healthy: readonly HealthyRow[] = [
  {
    id: 'K-100',
    title: 'a healthy runner: pod with shared processes',
    world: { pod: SHARED },
    allowed: [],
  },
  {
    id: 'K-101',
    title: 'only the runner trusts the authority of GitLab: pod with shared processes',
    world: { ...MORE_TRUST, pod: SHARED },
    allowed: [],
  },
  {
    id: 'K-102',
    title: 'the runner is not registered yet: pod with shared processes',
    world: { ...UNREGISTERED, pod: SHARED },
    isUnsure: true,
    allowed: [],
  },
  {
    id: 'K-103',
    title: 'a person restarts the runner five times: pod with shared processes',
    world: { pod: SHARED },
    act: async ({ runner }) => {
      for (let times = 0; times < 5; times += 1) await runner.restart();
    },
    allowed: ['runner-shutting-down'],
  },
];

const healthyApart: readonly HealthyRow[] = [
  ['a healthy runner', { pod: APART }],
  ['a healthy runner with metrics', ANSWERING],
  ['only the runner trusts the authority of GitLab', { ...MORE_TRUST, pod: APART }],
  ['the runner is not registered yet', { ...UNREGISTERED, pod: APART }],
].map(([title, world], index) => ({
  id: `K-20${index}`,
  title: `${title as string}: pod`,
  world: world as WorldOptions,
  isUnsure: true,
  allowed: [],
}));

export const podRows: readonly Row[] = [
  ...healthy,
  ...healthyApart,
  {
    id: 'K-204',
    title: 'GitLab has a certificate of an authority that runnerwatch does not know: pod',
    world: ANSWERING,
    act: async ({ gitlab }) => await gitlab.serve(FROM_PRIVATE_ROOT),
    isUnsure: true,
    runnerIsTroubled: true,
    allowed: [],
  },
  {
    id: 'K-205',
    title: 'only the image of runnerwatch trusts the authority of GitLab: pod',
    world: {
      ...ANSWERING,
      before: async (world) => {
        await serveMetrics(world);
        await onlyWeTrust(world);
      },
    },
    act: async (world) => {
      await world.gitlab.serve(FROM_PRIVATE_ROOT);
      await untilTls(
        world,
        ({ status, detail = '' }) => status === 'unknown' && OUR_IMAGE.test(detail),
      );
    },
    isUnsure: true,
    runnerIsTroubled: true,
    allowed: [],
  },
  {
    id: 'K-206',
    title: 'a file that both have has the authority of GitLab: pod',
    world: {
      ...ANSWERING,
      certificate: FROM_PRIVATE_ROOT,
      entries: [usualEntry({ more: `  tls-ca-file = "${SHARED_FILE}"` })],
      files: () => ({ [SHARED_FILE]: PRIVATE_ROOT.pem }),
    },
    act: async (world) => await untilTls(world, ({ status }) => status === 'pass'),
    isUnsure: true,
    allowed: [],
  },
  ...faultsOf(0, SHARED_FAULTS),
  ...faultsOf(1, APART_FAULTS),
];
