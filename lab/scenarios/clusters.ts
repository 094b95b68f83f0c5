/** The kubernetes executor: of a runner on a host whose entry names the API server, and of one in a pod of the cluster. */
import type { PodSetup } from '../container/pod.ts';
import { CLUSTER_PORT } from '../container/pod.ts';
import { APART_MILLISECONDS } from '../observe.ts';
import { GITLAB_ADDRESS } from '../network.ts';
import {
  ACCOUNT_FILES,
  CLUSTER_CA,
  ENTRY_TOKEN,
  setCluster,
  startCluster,
} from '../peers/cluster.ts';
import { PRIVATE_ROOT, PUBLIC_ROOT } from '../peers/pki.ts';
import { usualEntry } from '../runner-config.ts';
import type { FaultRow, HealthyRow, Row } from '../scenario.ts';
import type { WorldOptions } from '../world.ts';
import { notPrepared } from './executor.ts';

const OPEN = 'o/o/n/o/o/o/o';
const MUST_NOT = ['unknown', 'monitor-blind', 'token-rejected', 'tls-unknown-authority'];
const PROBES = { kubernetes: 'review_seconds = 1' };
const CONFIG = '/etc/gitlab-runner/config.toml';

const OF_HOST = `[runners.kubernetes]
  host = "https://${GITLAB_ADDRESS}:${CLUSTER_PORT}"
  ca_file = "${CLUSTER_CA}"
  bearer_token = "${ENTRY_TOKEN}"
  namespace = "ci"`;
const OF_POD = '[runners.kubernetes]\n  namespace = "gitlab"';

const onHost: WorldOptions = {
  logFormat: 'text',
  entries: [usualEntry({ name: 'k8s-1', executor: 'kubernetes', more: OF_HOST })],
  files: () => ({ [CLUSTER_CA]: PRIVATE_ROOT.pem }),
  before: startCluster,
  probes: PROBES,
};

function inPod(pod: PodSetup): WorldOptions {
  return {
    pod,
    entries: [usualEntry({ name: 'k8s-1', executor: 'kubernetes', more: OF_POD })],
    files: () => ACCOUNT_FILES,
    before: startCluster,
    probes: PROBES,
  };
}

const SHARED = inPod({ sharesProcesses: true });
const APART = inPod({});
const WORLDS = [
  ['host', onHost],
  ['pod with shared processes', SHARED],
  ['pod', APART],
] as const;

const stopped = { severity: 'warning', chain: OPEN, verdict: 'broken' } as const;

type Fault = Pick<FaultRow, 'title' | 'inject' | 'expect'> & Partial<FaultRow>;

const FAULTS: readonly Fault[] = [
  {
    title: 'its account may not create pods',
    inject: (world) => setCluster(world, { denied: ['create pods', 'create pods/attach'] }),
    recover: (world) => setCluster(world, { denied: [] }),
    expect: {
      ...stopped,
      cause: 'kubernetes-rights-missing',
      says: /create pods, create pods\/attach.*rbac\.create/,
    },
  },
  {
    title: 'its account may not create secrets',
    inject: (world) => setCluster(world, { denied: ['create secrets'] }),
    expect: {
      cause: 'kubernetes-rights-incomplete',
      severity: 'notice',
      chain: OPEN,
      verdict: 'degraded',
      says: /create secrets/,
    },
  },
  {
    title: 'nothing listens at the address of the API server',
    inject: async ({ release }) => await release(),
    expect: { ...stopped, cause: 'kubernetes-api-unreachable', says: /connection refused/ },
  },
  {
    title: 'the API server does not respond',
    inject: (world) => setCluster(world, { instead: { '/version': 'silent' } }),
    expect: { ...stopped, cause: 'kubernetes-api-unreachable', says: /no response in time/ },
  },
  {
    title: 'the API server rejects the token',
    inject: (world) => setCluster(world, { token: 'another' }),
    expect: { ...stopped, cause: 'kubernetes-credentials-rejected', says: /401 Unauthorized/ },
  },
];

const HOST_FAULTS: readonly Fault[] = [
  {
    title: 'ca_file is that of another cluster',
    inject: async ({ files }) => await files.write(CLUSTER_CA, PUBLIC_ROOT.pem),
    expect: { ...stopped, cause: 'kubernetes-api-untrusted', says: /another authority/ },
  },
  {
    title: 'ca_file is not there',
    inject: async ({ files }) => await files.remove(CLUSTER_CA),
    expect: { ...stopped, cause: 'kubernetes-file-unusable', says: /ca_file.*there is no/ },
  },
  {
    title: 'host is the address of GitLab',
    inject: async ({ files }) =>
      await files.edit(CONFIG, /host = .*/, `host = "http://${GITLAB_ADDRESS}"`),
    expect: { ...stopped, cause: 'kubernetes-host-wrong', says: /cluster-info/ },
  },
  {
    title: 'of two entries one has no right to run jobs',
    world: {
      ...onHost,
      entries: [usualEntry(), usualEntry({ name: 'k8s-2', executor: 'kubernetes', more: OF_HOST })],
    },
    inject: (world) => setCluster(world, { denied: ['create pods/exec'] }),
    expect: {
      ...stopped,
      cause: 'kubernetes-rights-missing',
      verdict: 'degraded',
      runners: {
        'shell-1': { cause: 'none', chain: OPEN },
        'k8s-2': { cause: 'kubernetes-rights-missing', chain: OPEN },
      },
    },
  },
  {
    title: 'no node has room for the pods of jobs, as the runner says',
    ...notPrepared(
      'prepare environment: waiting for pod running: timed out waiting for pod to start (last phase: Pending)',
      APART_MILLISECONDS,
    ),
    expect: {
      cause: 'kubernetes-pod-pending',
      severity: 'warning',
      chain: OPEN,
      says: /get events/,
    },
  },
];

function faultsOf(nth: number, faults: readonly Fault[]): readonly FaultRow[] {
  const [name, world] = WORLDS[nth] ?? WORLDS[0];
  return faults.map((fault, index) => ({
    isUnsure: world === APART,
    mustNot: MUST_NOT,
    world,
    ...fault,
    id: `KU-${nth + 1}${index}`,
    title: `${fault.title}: ${name}`,
  }));
}

const healthy: readonly HealthyRow[] = WORLDS.map(([name, world], index) => ({
  id: `KU-0${index}`,
  title: `the API server answers, and grants what jobs need: ${name}`,
  world,
  isUnsure: world === APART,
  allowed: [],
}));

export const clusterRows: readonly Row[] = [
  ...healthy,
  ...faultsOf(0, [...FAULTS, ...HOST_FAULTS]),
  ...faultsOf(1, FAULTS),
  ...faultsOf(2, FAULTS),
];
