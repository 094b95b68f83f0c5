/** The real program on the runner's host, started as a user would start it, and read over its own socket. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, readlink } from 'node:fs/promises';
import { request } from 'node:http';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Report } from '../src/report/document.ts';
import type { PodSetup } from './container/pod.ts';
import {
  POD_CONFIG_FOLDER,
  POD_ENVIRONMENT,
  POD_STATE_FOLDER,
  inSidecar,
} from './container/pod.ts';
import type { WatcherSetup } from './container/watcher.ts';
import { WATCHER_FOLDER, WATCHER_NAME, WATCHER_SETTINGS, inWatcher } from './container/watcher.ts';
import type { Network } from './network.ts';

/** As the unit starts it: the built program, which is 40 MiB smaller than its source, with the flags of the unit. */
const PROGRAM = join(import.meta.dirname, '../deploy/runnerwatch');
/** Bounds for what never ends; nothing is measured by them, as the machine may be busy with something else. */
const ANSWER_MILLISECONDS = 60_000;
const START_MILLISECONDS = 180_000;
const CHECK_MILLISECONDS = 240_000;
/** It ends within 5 s, and its exit code shows the result: docs/reference/promises.md#own-footprint. */
const STOP_MILLISECONDS = 60_000;
const PAUSE_MILLISECONDS = 100;
/** As systemd sets it for a unit. */
const HOST_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

export interface LabDaemon extends AsyncDisposable {
  report(): Promise<Report>;
  get(path: string): Promise<string>;
  /** All it wrote to stdout and stderr. */
  output(): string;
  hasEnded(): boolean;
  residentBytes(): Promise<number>;
  /** Namespaces that it holds open: `net:[4026531840]`, one for each descriptor. */
  heldNamespaces(): Promise<readonly string[]>;
  /** SIGTERM; an error when it takes longer than promised or ends badly. */
  stop(): Promise<void>;
}

export interface CheckResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How it is started, where a row needs something else than the default. */
export interface DaemonPaths {
  readonly configPath?: string;
  /** Starts without --runner.config: config.toml is found through the runner's process. */
  readonly findsConfig?: boolean;
  /** As the host sees it. */
  readonly stateDirectory?: string;
  /** Of runnerwatch itself. */
  readonly uid?: number;
  /** The runner's host has a root of its own: nothing tells where the runner is. */
  readonly hasOwnRoot?: boolean;
  /** Folders of the runner's host are mounted over those of the machine, so that its root is ours. */
  readonly isMountedOver?: boolean;
  /** It is another container of the runner's pod. */
  readonly pod?: PodSetup;
  /** It is a container of its own, on a host with a root of its own. */
  readonly container?: WatcherSetup;
}

export async function startDaemon(
  network: Network,
  root: string,
  paths: DaemonPaths = {},
): Promise<LabDaemon> {
  const socket = join(root, ownFolder(paths) ?? '', 'web.sock');
  const seen = seenRoot(root, paths);
  const listen = `--web.listen-address=unix:${join(seen, 'web.sock')}`;
  const args = ['serve', ...sharedFlags(root, paths), listen];
  const all = [...args, `--state.directory=${join(seen, paths.stateDirectory ?? 'state')}`];
  const { child, output } = start(network, all, root, paths);
  const program = async (): Promise<number> => await programOf(child, network, paths);
  const get = async (path: string): Promise<string> => await fetchText(socket, path);
  const daemon: LabDaemon = {
    report: async () => JSON.parse(await get('/api/v1/report')) as Report,
    get,
    output: () => output.join(''),
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    residentBytes: async () => await residentBytes(await program()),
    heldNamespaces: async () => await namespacesOf(await program()),
    stop: async () => await stop(child, await program()),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
  await isReady(daemon);
  return daemon;
}

async function namespacesOf(pid: number): Promise<readonly string[]> {
  const folder = `/proc/${pid}/fd`;
  const links = await Promise.all(
    (await readdir(folder)).map(async (fd) => await readlink(`${folder}/${fd}`).catch(() => '')),
  );
  return links.filter((link) => /^\w+:\[\d+\]$/.test(link) && !/^(?:socket|pipe):/.test(link));
}

interface CheckOptions {
  readonly format?: 'json' | 'nagios';
  /** It finds the state that the daemon keeps. */
  readonly remembers?: boolean;
}

/** `runnerwatch check --format json` in the same world. */
export async function check(
  network: Network,
  root: string,
  paths: DaemonPaths = {},
  { format = 'json', remembers = false }: CheckOptions = {},
): Promise<CheckResult> {
  // Else not that of the daemon, and none of an installation on this machine: it remembers nothing.
  const state = remembers ? join(root, 'state') : await mkdtemp(join(root, 'check-state-'));
  // In a container nobody keeps one for it.
  const folder = ownFolder(paths);
  const seenState =
    folder === undefined
      ? join(seenRoot(root, paths), relative(root, state))
      : join(folder, 'check-state');
  const args = [
    'check',
    `--format=${format}`,
    ...sharedFlags(root, paths),
    `--state.directory=${seenState}`,
  ];
  const { child, output, errors } = start(network, args, root, paths);
  const timer = setTimeout(() => child.kill('SIGKILL'), CHECK_MILLISECONDS);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { exitCode: code ?? -1, stdout: output.join(''), stderr: errors.join('') };
}

/** The root of the runner's host, as runnerwatch sees it. */
function seenRoot(root: string, paths: DaemonPaths): string {
  return ownFolder(paths) ?? (paths.hasOwnRoot === true ? '/' : root);
}

/** Of runnerwatch in a container, for its state and its socket. */
function ownFolder({ pod, container }: DaemonPaths): string | undefined {
  if (pod !== undefined) return POD_STATE_FOLDER;
  return container === undefined ? undefined : WATCHER_FOLDER;
}

function sharedFlags(root: string, paths: DaemonPaths): readonly string[] {
  const { configPath = '/etc/gitlab-runner/config.toml', findsConfig = false } = paths;
  if (paths.pod !== undefined)
    return [
      '--config.file=/etc/runnerwatch.toml',
      `--runner.config=${POD_CONFIG_FOLDER}/config.toml`,
    ];
  if (paths.container !== undefined)
    return [`--config.file=${WATCHER_SETTINGS}`, ...paths.container.flags];
  if (paths.hasOwnRoot === true) return ['--config.file=/runnerwatch.toml'];
  return [
    ...(findsConfig ? [] : [`--runner.config=${configPath}`]),
    `--path.rootfs=${paths.isMountedOver === true ? '/' : root}`,
    `--config.file=${join(root, 'runnerwatch.toml')}`,
  ];
}

function start(network: Network, args: readonly string[], root: string, paths: DaemonPaths) {
  const [program = '', ...rest] = [...entered(network, args, root, paths), PROGRAM, ...args];
  const env = {
    ...process.env,
    ...(paths.pod === undefined ? {} : POD_ENVIRONMENT),
    // The stand-in for systemctl comes first on PATH.
    PATH: `${join(seenRoot(root, paths), 'shims')}:${programsOf(paths)}`,
  };
  const child = spawn(program, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output: string[] = [];
  const errors: string[] = [];
  child.stdout.on('data', (chunk) => output.push(String(chunk)));
  child.stderr.on('data', (chunk) => {
    errors.push(String(chunk));
    if (args[0] === 'serve') output.push(String(chunk));
  });
  return { child, output, errors };
}

/** What runs its command line where it lives. */
function entered(
  network: Network,
  args: readonly string[],
  root: string,
  { uid = 0, pod, container }: DaemonPaths,
): readonly string[] {
  if (pod !== undefined) return [...network.inNetwork, ...inSidecar(root, pod)];
  const host = network.prefix('rn');
  if (container !== undefined) return [...host, ...inWatcher(container, containerNameOf(args))];
  const user = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  return [...host, ...(uid === 0 ? [] : user)];
}

/** On a host with a root of its own those that systemd finds; the client of the engine may be elsewhere. */
function programsOf({ hasOwnRoot = false, pod, container }: DaemonPaths): string {
  const isLikeUnit = (hasOwnRoot && container === undefined) || pod !== undefined;
  return isLikeUnit ? HOST_PATH : (process.env['PATH'] ?? '');
}

async function isReady(daemon: LabDaemon): Promise<void> {
  const until = Date.now() + START_MILLISECONDS;
  while (Date.now() < until && !daemon.hasEnded()) {
    const text = await daemon.get('/-/ready').catch(() => undefined);
    if (text !== undefined) return;
    await delay(PAUSE_MILLISECONDS);
  }
  throw new Error(`the daemon did not become ready:\n${daemon.output()}`);
}

async function fetchText(socketPath: string, path: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  // A connection of its own: one that was kept may be closed by the daemon at the moment it is used again.
  const options = { socketPath, path, timeout: ANSWER_MILLISECONDS, agent: false } as const;
  const sent = request(options, (response) => {
    let text = '';
    response.on('data', (chunk) => (text += String(chunk)));
    response.once('error', reject);
    response.once('end', () => {
      if (response.statusCode === 200 || path.startsWith('/health')) resolve(text);
      else reject(new Error(`${path} answered ${response.statusCode}`));
    });
  });
  sent.once('timeout', () => sent.destroy(new Error(`${path} did not answer`)));
  sent.once('error', reject);
  sent.end();
  return await promise;
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(?<size>\d+) kB/m.exec(status)?.groups?.['size'] ?? 0) * 1024;
}

/** `check` runs beside the daemon. */
function containerNameOf([command = '']: readonly string[]): string {
  return command === 'serve' ? WATCHER_NAME : `${WATCHER_NAME}-${command}`;
}

/** A process namespace of its own has a process before it, which waits for it; a container has the client of its engine. */
async function programOf(
  { pid = 0 }: ChildProcess,
  network: Network,
  { pod, container }: DaemonPaths,
): Promise<number> {
  if (container !== undefined)
    return Number(await network.run('rn', `docker inspect -f '{{.State.Pid}}' ${WATCHER_NAME}`));
  if (pod === undefined || pod.sharesProcesses === true) return pid;
  return Number(await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'));
}

async function stop(child: ChildProcess, pid: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    throw new Error(`the daemon ended by itself (${child.exitCode ?? child.signalCode})`);
  }
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MILLISECONDS);
  process.kill(pid, 'SIGTERM');
  await ended;
  clearTimeout(timer);
  if (child.exitCode !== 0) {
    throw new Error(`after SIGTERM the daemon ended with ${child.exitCode ?? child.signalCode}`);
  }
}
