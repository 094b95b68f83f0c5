/**
 * Is runnerwatch itself in a container, beside that of the runner? Then its root says nothing of the runner: neither that
 * it is not installed, nor whom it trusts.
 *
 * Source  the marks of engines and of Kubernetes in our own root; docs/reference/runner-places.md#our-own-container.
 */
import { hostname } from 'node:os';

import type { Paths } from '../../core/paths.ts';
import type { Pod } from '../../core/pod.ts';
import { isThereIn, readTextIn } from '../fs/in-root.ts';
import { findProgram } from '../proc/runner-program.ts';
import { hasSystemd } from '../systemd/systemd.ts';

export type OwnContainer =
  | { readonly kind: 'pod'; readonly pod: Pod }
  | { readonly kind: 'container' };

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const MARKS = ['/.dockerenv', '/run/.containerenv'];
/** The chart mounts them into the container of the runner. */
const ENTRYPOINT_OF_CHART = '/configmaps/entrypoint';
const PROBE_OF_CHART = '/configmaps/check-live';
/** Process 1 of a host, whose processes we then see. */
const INIT = /^(?:systemd|init)$/;

type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined on a host, and where the host's root is mounted for us. */
export async function readOwnContainer(
  paths: Paths,
  environment: Environment = process.env,
): Promise<OwnContainer | undefined> {
  if (paths.rootfs !== '/' || paths.container !== undefined) return undefined;
  return await markedContainer(paths, environment);
}

/** The same for any root, as a test builds one. */
export async function markedContainer(
  paths: Paths,
  environment: Environment,
): Promise<OwnContainer | undefined> {
  const inPod =
    (environment['KUBERNETES_SERVICE_HOST'] ?? '') !== '' || (await isThereIn(paths, ACCOUNT));
  const isMarked =
    inPod ||
    (await Promise.all(MARKS.map(async (mark) => await isThereIn(paths, mark)))).includes(true);
  if (!isMarked || (await isLikeHost(paths))) return undefined;
  if (!inPod) return { kind: 'container' };
  const namespace = (await textOf(paths, `${ACCOUNT}/namespace`)).trim();
  // With hostNetwork the name of the host is that of the node.
  const name = podNameIn(environment) ?? hostname();
  // The chart cannot share the processes of its pod, so that nothing else is known of one that does not.
  const pod = { name, isOfChart: true, livenessProbe: 'unseen' } as const;
  return { kind: 'pod', pod: namespace === '' ? pod : { ...pod, namespace } };
}

/** By the root of the container of the runner. The probe of older charts looks for a process, and does not ask GitLab. */
export async function makerOfPod(
  paths: Pick<Paths, 'rootfs'>,
): Promise<Pick<Pod, 'isOfChart' | 'livenessProbe'>> {
  const isOfChart = await isThereIn(paths, ENTRYPOINT_OF_CHART);
  const script = isOfChart ? await readTextIn(paths, PROBE_OF_CHART).catch(() => '') : '';
  return { isOfChart, ...(/\bverify\b/.test(script) ? { livenessProbe: 'asks-gitlab' } : {}) };
}

/** By the manifest, from `metadata.name`. */
function podNameIn({ POD_NAME: name = '' }: Environment): string | undefined {
  return /^[a-z0-9][a-z0-9.-]*$/.test(name) ? name : undefined;
}

/** Where the threads of the kernel are visible, every process is; with an init of its own, or the runner itself, all is here. */
async function isLikeHost(paths: Paths): Promise<boolean> {
  const nameOf = async (pid: number): Promise<string> =>
    (await textOf({ ...paths, rootfs: paths.procfs }, `/${pid}/comm`)).trim();
  if (INIT.test(await nameOf(1)) || (await nameOf(2)) === 'kthreadd') return true;
  return (await hasSystemd(paths)) || (await findProgram(paths)) !== undefined;
}

async function textOf(paths: Paths, path: string): Promise<string> {
  return await readTextIn(paths, path).catch(() => '');
}
