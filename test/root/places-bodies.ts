/** Bodies of places.test.ts, each in a /proc, a network and mounts of its own. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ALL_PROBES } from '../../src/cli/all-probes.ts';
import { Checks } from '../../src/checks/checks.ts';
import type { CheckState } from '../../src/core/check.ts';
import { systemClock } from '../../src/core/clock.ts';
import { detailOf, reasonOf } from '../../src/core/finding.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import { defaultSettings } from '../../src/config/settings/settings.ts';
import { Discovery } from '../../src/discovery/discovery.ts';
import { inNetworkAtHand, inNetworkOf, networkOf, obstacleTo } from '../../src/host/net/network.ts';
import { readProc } from '../../src/host/proc/proc-files.ts';
import { createLog } from '../../src/log.ts';
import type { ContainerOptions, HandMadeContainer } from '../support/hand-made-container.ts';
import { startContainer } from '../support/hand-made-container.ts';
import { runBody } from '../support/run-body.ts';
import { patient } from '../support/until.ts';

const CONFIG = '/etc/gitlab-runner/config.toml';
const ADDRESS = '10.9.9.2';

function configText(name: string, url: string): string {
  return `concurrent = 1
[[runners]]
  name = "${name}"
  url = "${url}"
  token = "glrt-${name}-23456789abcdefgh"
  executor = "shell"
`;
}

/** The hosts file is a link that is right in the container alone. */
async function container(
  rootfs: string,
  name: string,
  over: Partial<ContainerOptions> = {},
): Promise<HandMadeContainer> {
  return await startContainer({
    rootfs,
    address: ADDRESS,
    files: {
      [CONFIG]: configText(name, 'http://gitlab.test:8080/'),
      '/srv/hosts': `${ADDRESS} gitlab.test\n`,
      '/etc/resolv.conf': '',
      ...over.files,
    },
    ...over,
  });
}

async function folder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'runnerwatch-place-'));
  return {
    path,
    [Symbol.asyncDispose]: async () => await rm(path, { recursive: true, force: true }),
  };
}

export interface Seen {
  readonly places: readonly string[];
  readonly problems: readonly string[];
  readonly blind: readonly string[];
  readonly runners: readonly string[];
  readonly endpoints: readonly string[];
  /** `connect@http://… fail refused`, without those that pass. */
  readonly findings: readonly string[];
}

/** Looks as the daemon does, one round after the other. */
function watcher(discovery = new Discovery({ paths: HOST_PATHS, clock: systemClock })) {
  return async (): Promise<Seen> => {
    await discovery.refresh({});
    return await lookedAt(discovery);
  };
}

async function lookedAt(discovery: Discovery): Promise<Seen> {
  const { contexts } = discovery.hostContext();
  const probes = ALL_PROBES.filter(({ kind }) => kind !== 'host' && kind !== 'mount');
  const settings = defaultSettings(ALL_PROBES);
  const checks = new Checks({
    probes,
    requestsPerHour: 20,
    clock: systemClock,
    log: createLog({ level: 'error', format: 'json', sink: { write: () => {} } }),
    onResult: () => {},
  });
  checks.plan({ contexts, targets: discovery.targets(), settings, logAt: () => undefined });
  const signal = patient();
  do await checks.runAll(signal);
  while (!signal.aborted && checks.states().some(isLate));
  const findings = checks
    .states()
    .filter(({ finding }) => !['pass', 'skipped'].includes(finding.status))
    .map(
      ({ check, finding }) =>
        `${check.id} ${finding.status} ${reasonOf(finding)}: ${detailOf(finding)}`,
    );
  checks.stop();
  return {
    places: contexts.map(({ place }) => place.id),
    problems: contexts.flatMap(({ configProblems }) => configProblems.map(({ code }) => code)),
    blind: contexts.flatMap(({ blind }) => blind),
    runners: contexts.flatMap(({ runners }) => runners.map(({ id }) => id)),
    endpoints: contexts.flatMap(({ endpoints }) => endpoints.map(({ id }) => id)),
    findings,
  };
}

/** A busy machine has not answered in time. */
function isLate({ finding }: CheckState): boolean {
  return reasonOf(finding) === 'folder-silent';
}

export async function twoContainers(): Promise<Seen & { readonly roots: readonly string[] }> {
  await using first = await folder();
  await using second = await folder();
  await using stack = new AsyncDisposableStack();
  stack.use(await withHosts(first.path, 'one'));
  stack.use(await withHosts(second.path, 'two'));
  return { ...(await watcher()()), roots: [first.path, second.path] };
}

async function withHosts(rootfs: string, name: string): Promise<HandMadeContainer> {
  const made = await container(rootfs, name);
  await symlink('/srv/hosts', join(rootfs, 'etc/hosts'));
  return made;
}

/** Descriptors of networks that are not ours. */
async function otherNetworksHeld(): Promise<readonly string[]> {
  const own = await readlink('/proc/self/ns/net');
  const links = (await readdir('/proc/self/fd')).map(
    async (name) => await readlink(`/proc/self/fd/${name}`).catch(() => ''),
  );
  return (await Promise.all(links)).filter((link) => link.startsWith('net:') && link !== own);
}

/** Before, while it is gone, and after it has come back in another network with another process. */
export async function restarted(): Promise<{
  readonly before: Seen;
  readonly between: Seen;
  readonly unplanned: Seen;
  readonly after: Seen;
  readonly leftOpen: readonly string[];
}> {
  await using root = await folder();
  const first = await withHosts(root.path, 'one');
  const discovery = new Discovery({ paths: HOST_PATHS, clock: systemClock });
  const look = watcher(discovery);
  const before = await look();
  await first[Symbol.asyncDispose]();
  // Checks of the old plan are still made until it is missed.
  const unplanned = await lookedAt(discovery);
  const between = await look();
  await using stack = new AsyncDisposableStack();
  stack.use(await container(root.path, 'one'));
  const after = await look();
  return {
    before,
    between,
    unplanned,
    after,
    leftOpen: await otherNetworksHeld(),
  };
}

/** Addresses of our own network, read while this thread is in that of a container; and there. */
export async function readFromElsewhere(): Promise<{
  readonly there: string | undefined;
  readonly here: string | undefined;
}> {
  await using root = await folder();
  await using made = await withHosts(root.path, 'one');
  const network = networkOf(made.pid, HOST_PATHS);
  if (network === undefined) throw new Error('the container has no network of its own');
  const paths = { ...HOST_PATHS, network };
  const reading = inNetworkOf(paths, () =>
    inNetworkAtHand(() => {
      const begun = readProc(HOST_PATHS, 'net/fib_trie');
      // Long enough for another thread to open the file.
      spawnSync('true');
      return begun;
    }),
  );
  return { there: await readProc(paths, 'net/fib_trie'), here: await reading };
}

/** The same view by a process without these capabilities. */
export async function withoutRights(): Promise<Readonly<Record<'network' | 'all', Seen>>> {
  await using root = await folder();
  await using stack = new AsyncDisposableStack();
  stack.use(await withHosts(root.path, 'one'));
  return { network: await without('-sys_admin'), all: await without('-sys_admin,-sys_ptrace') };
}

/** Of a process in another network, and of one in ours, both with more rights. */
export async function networksWithoutRights(): Promise<readonly string[]> {
  await using root = await folder();
  await using made = await withHosts(root.path, 'one');
  return await runBody(import.meta.url, obstaclesTo, [[made.pid, process.pid]], {
    prefix: ['setpriv', '--bounding-set', '-sys_admin,-sys_ptrace', '--'],
  });
}

export function obstaclesTo(pids: readonly number[]): readonly string[] {
  return pids.map((pid) => {
    const network = networkOf(pid, HOST_PATHS);
    if (network === undefined) return 'it is ours';
    return obstacleTo({ ...HOST_PATHS, network }) ?? 'it may be entered';
  });
}

async function without(capabilities: string): Promise<Seen> {
  return await runBody(import.meta.url, look, [], {
    prefix: ['setpriv', '--bounding-set', capabilities, '--'],
  });
}

export async function look(): Promise<Seen> {
  return await watcher()();
}
