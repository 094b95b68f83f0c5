/**
 * A pod without Kubernetes: the runner is one container of it, with a root of its own, and runnerwatch another one, as
 * `extraContainers` of the official chart adds it. Both have one network and the folder with config.toml; processes
 * only where the pod says so.
 */
import { join } from 'node:path';

import { quoteArgument } from '../../src/core/shell.ts';
import { GITLAB_ADDRESS } from '../network.ts';

export interface PodSetup {
  /** `shareProcessNamespace`: runnerwatch sees the process of the runner. */
  readonly sharesProcesses?: boolean;
}

/** Of the image with ubuntu; the chart runs as it. */
export const POD_USER = 999;
export const POD_CONFIG_FOLDER = '/home/gitlab-runner/.gitlab-runner';
/** Of the state and the socket of runnerwatch. */
export const POD_STATE_FOLDER = '/run/runnerwatch';
/** Of the API server, where a row has one. */
export const CLUSTER_PORT = 6443;
export const POD_ENVIRONMENT: Readonly<Record<string, string>> = {
  KUBERNETES_SERVICE_HOST: GITLAB_ADDRESS,
  KUBERNETES_SERVICE_PORT: String(CLUSTER_PORT),
};

const POD_NAME = 'gitlab-runner-7d9f8b6c5d-x2x4z';
const REPOSITORY = join(import.meta.dirname, '../..');
const ACCOUNT = 'var/run/secrets/kubernetes.io/serviceaccount';
/** The same in the container of the runner, where /var/run is a link. */
export const ACCOUNT_FOLDER = '/run/secrets/kubernetes.io/serviceaccount';
/** What the kubelet gives to every container of a pod. */
const OF_POD = ['hosts', 'resolv.conf'];

/** Runs what follows it in the container of runnerwatch; the words before enter the network of the pod. */
export function inSidecar(root: string, { sharesProcesses = false }: PodSetup): readonly string[] {
  const own = sharesProcesses ? [] : ['--pid', '--fork', '--kill-child'];
  return ['unshare', '--mount', '--uts', ...own, 'sh', '-e', '-c', rootScript(root), 'sh'];
}

/** Any user, no capability, and a root that nobody can write. */
function rootScript(root: string): string {
  const folder = `${root}-sidecar`;
  const mounts = [POD_CONFIG_FOLDER, POD_STATE_FOLDER, ...OF_POD.map((name) => `/etc/${name}`)];
  return [
    `hostname ${POD_NAME}`,
    `mkdir -p ${folder} && mount -t tmpfs tmpfs ${folder} && cd ${folder}`,
    `mkdir -p usr proc sys dev tmp etc/ssl/certs old .${POD_CONFIG_FOLDER} .${POD_STATE_FOLDER} ${ACCOUNT} .${REPOSITORY}`,
    'for name in bin sbin lib lib64; do ln -s usr/$name $name; done',
    'mount --bind /usr usr && mount -o remount,bind,ro usr',
    `mount --bind ${REPOSITORY} .${REPOSITORY} && mount -o remount,bind,ro .${REPOSITORY}`,
    'for name in alternatives ld.so.cache; do test ! -e /etc/$name || cp -a /etc/$name etc/; done',
    `printf gitlab >${ACCOUNT}/namespace`,
    `test ! -d ${root}${ACCOUNT_FOLDER} || cp ${root}${ACCOUNT_FOLDER}/* ${ACCOUNT}/`,
    `cp ${root}/runnerwatch.toml etc/`,
    `printf 'hosts: files dns\\n' >etc/nsswitch.conf`,
    `cp ${root}-bundle.pem etc/ssl/certs/ca-certificates.crt`,
    ...OF_POD.map((name) => `: >etc/${name}`),
    ...mounts.map((name) => `mount --bind ${quoteArgument(root + name)} .${name}`),
    'mount --rbind /dev dev',
    'mount -t proc proc proc && mount -t sysfs sysfs sys',
    ...['cpu', 'io', 'memory'].map(
      (name) => `mount --bind ${root}/pressure/${name} proc/pressure/${name}`,
    ),
    'mount -o remount,ro .',
    'pivot_root . old && umount -l /old',
    `exec setpriv --reuid=${POD_USER} --regid=${POD_USER} --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$@"`,
  ].join('\n');
}
