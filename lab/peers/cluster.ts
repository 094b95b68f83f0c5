/** An API server of Kubernetes beside GitLab, as the kubernetes executor of the runner asks it. */

import type { ClusterScript, ClusterStandIn } from '../../test/support/kubernetes-stand-in.ts';
import { accountToken, createCluster } from '../../test/support/kubernetes-stand-in.ts';
import { make } from '../../test/support/certificates.ts';
import { ACCOUNT_FOLDER, CLUSTER_PORT } from '../container/pod.ts';
import { GITLAB_ADDRESS } from '../network.ts';
import { CANARY } from '../runner-config.ts';
import type { World } from '../world.ts';
import { PRIVATE_ROOT } from './pki.ts';

export const CLUSTER_ACCOUNT = 'system:serviceaccount:gitlab:runner';
/** Of the pod, and of an entry. */
const POD_TOKEN = `${accountToken(CLUSTER_ACCOUNT)}${CANARY}`;
export const ENTRY_TOKEN = `${CANARY}-of-the-cluster`;

const LEAF = make(
  { name: 'kube-apiserver', ip: [GITLAB_ADDRESS], isAuthority: false, extendedUsages: ['server'] },
  PRIVATE_ROOT,
);
export const CLUSTER_CA = '/etc/gitlab-runner/cluster-ca.pem';

/** What the kubelet mounts for the containers of a pod; /var/run is a link, which leads out of the folder of a row. */
export const ACCOUNT_FILES: Readonly<Record<string, string>> = {
  [`${ACCOUNT_FOLDER}/token`]: POD_TOKEN,
  [`${ACCOUNT_FOLDER}/ca.crt`]: PRIVATE_ROOT.pem,
};

const running = new WeakMap<World, ClusterStandIn>();

/** Until the world is restored. */
export async function startCluster(world: World): Promise<void> {
  const isPod = world.configFolder.startsWith('/home');
  const cluster = createCluster(
    { token: isPod ? POD_TOKEN : ENTRY_TOKEN },
    { cert: LEAF.pem, key: LEAF.keyPem },
  );
  running.set(world, cluster);
  await world.listenAt(cluster.server, CLUSTER_PORT);
}

/** From now on it says this as well. */
export function setCluster(world: World, says: ClusterScript): void {
  const cluster = running.get(world);
  if (cluster === undefined) throw new Error('no cluster has been started');
  cluster.says = { ...cluster.says, ...says };
}
