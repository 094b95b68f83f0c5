/**
 * The world of one row: a runner's host, the network, GitLab, a name server. It starts healthy; a row breaks a part of
 * it, and `restore` repairs everything.
 */
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { join } from 'node:path';

import type { IssuedCertificate } from '../src/demo/certificates.ts';
import type { Override, Profile } from '../src/demo/gitlab-stand-in.ts';
import type { CheckResult, DaemonPaths, LabDaemon } from './daemon.ts';
import { check, startDaemon } from './daemon.ts';
import { ENGINE_FILES, startEngine } from './container/engine.ts';
import type { ContainerPlace, ContainerSetup } from './container/place.ts';
import { configFolderOf, mountOwnRoot, startContainerPlace } from './container/place.ts';
import type { PodSetup } from './container/pod.ts';
import { POD_CONFIG_FOLDER, POD_ENVIRONMENT, POD_STATE_FOLDER, POD_USER } from './container/pod.ts';
import { loadWatcher } from './container/watcher.ts';
import { writeMountInfo } from './host.ts';
import type { Network } from './network.ts';
import { GITLAB_ADDRESS, createNetwork } from './network.ts';
import type { LabGitLab } from './peers/gitlab.ts';
import { closeNow, startLabGitLab } from './peers/gitlab.ts';
import type { LabNames } from './peers/names.ts';
import { startNames } from './peers/names.ts';
import { GOOD, PUBLIC_ROOT } from './peers/pki.ts';
import type { LogFormat } from './peers/runner-log.ts';
import type { LabRunner } from './peers/runner.ts';
import { startRunner } from './peers/runner.ts';
import { RootFiles } from './root-files.ts';
import type { Entry } from './runner-config.ts';
import { SYSTEM_ID, configText, usualEntry } from './runner-config.ts';

export interface WorldOptions {
  readonly profile?: Profile;
  readonly basePath?: string;
  readonly entries?: readonly Entry[];
  /** Global lines of config.toml. */
  readonly globals?: string;
  /** Of the runner's process. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly uid?: number;
  /** The config.toml that the runner is started with. */
  readonly runnerConfig?: string;
  readonly logFormat?: LogFormat;
  /** How long GitLab holds a poll for jobs. */
  readonly pollMilliseconds?: number;
  readonly certificate?: IssuedCertificate;
  /** Files of the runner's host; they win over the usual ones. */
  readonly files?: () => Readonly<Record<string, string>>;
  /** Lines for sections of runnerwatch's own settings: `{ dns: 'slow_seconds = 0.5' }`. */
  readonly probes?: Readonly<Record<string, string>>;
  /** GitLab's API token of `[gitlab] api_token_file`. */
  readonly apiToken?: string;
  readonly daemon?: DaemonPaths;
  /** The runner lives in a container: its config folder as the host sees it. */
  readonly volume?: string;
  /** The runner lives in a container of a real engine, on a host with a root of its own; nothing tells where. */
  readonly container?: ContainerSetup;
  /** The runner and runnerwatch are containers of one pod. */
  readonly pod?: PodSetup;
  /** What reads the runner's log: its file, or the journal. */
  readonly log?: 'file' | 'journal' | 'engine';
  /** `[runner] log_file`, where it is not the file that the runner writes. */
  readonly logFile?: string;
  /** Nothing but its own defaults, budget included, and where the log is. */
  readonly hasDefaultSettings?: boolean;
  /** Checks run at the usual intervals, not at those of the lab. */
  readonly hasDefaultPace?: boolean;
  /** Parts of the healthy world that must exist before the daemon starts: a proxy, a rule. */
  readonly before?: (world: World) => Promise<unknown>;
}

export interface World {
  readonly network: Network;
  readonly files: RootFiles;
  readonly gitlab: LabGitLab;
  readonly names: LabNames;
  readonly runner: LabRunner;
  /** With config.toml, as the runner's host has it. */
  readonly configFolder: string;
  /** Where the runner lives in a container. */
  readonly container: ContainerPlace | undefined;
  /** The one that runs now. */
  readonly daemon: LabDaemon;
  startDaemon(): Promise<void>;
  readonly entries: readonly Entry[];
  /** GitLab answers by this until it is restored. */
  readonly answers: (override: Override) => void;
  /** Something that ends when the world is restored. */
  readonly adopt: (peer: AsyncDisposable) => void;
  /** Ends an adopted part now, for example the proxy of the healthy world. */
  readonly release: () => Promise<void>;
  /** Another server on GitLab's address, until the world is restored. */
  readonly listenAt: (server: Server, port: number) => Promise<void>;
  check(): Promise<CheckResult>;
  /** `isReloaded`: the operator touches config.toml, so that a disabled entry polls again. */
  restore(isReloaded?: boolean): Promise<void>;
}

async function seeOnlyThisHost(
  { network, files }: Pick<World, 'network' | 'files'>,
  options: WorldOptions,
): Promise<void> {
  const hasOwnRoot = hasOwnRootOf(options);
  await calmHost(network, hasOwnRoot ? '' : files.path);
  // The mounts of the machine are none of this host.
  if (!hasOwnRoot) await writeMountInfo({ network, files });
}

/** The lab keeps its own cores busy; the host of a row has idle ones. */
async function calmHost(network: Network, seenRoot: string): Promise<void> {
  for (const name of ['cpu', 'io', 'memory']) {
    const file = `${seenRoot}/pressure/${name}`;
    await network.run('rn', `mount --bind ${file} /proc/pressure/${name}`);
  }
}

const CALM = ['some', 'full']
  .map((line) => `${line} avg10=0.00 avg60=0.00 avg300=0.00 total=0\n`)
  .join('');

const QUICK_PROBES = [
  'dns',
  'connect',
  'proxy',
  'tls',
  'http',
  'api',
  'token',
  'service',
  'runner-log',
];

/** Slow is what a row makes slow, and not a peer of the lab that waits for a core. */
const PATIENT_PROBES: Readonly<Record<string, string>> = {
  dns: 'slow_seconds = 30',
  http: 'slow_seconds = 30',
};

/** Every check runs every two seconds, since this GitLab has no limits. */
function settingsText(options: WorldOptions, root: string): string {
  const { probes = {}, hasDefaultSettings = false, hasDefaultPace = false } = options;
  const {
    apiToken,
    log = hasOwnRootOf(options) ? 'engine' : 'file',
    logFile: path = '/var/log/gitlab-runner.log',
  } = options;
  const logFile = log === 'file' ? `[runner]\nlog_file = "${path}"\n` : '';
  if (hasDefaultSettings) return logFile;
  const quick = hasDefaultPace ? [] : QUICK_PROBES;
  const sections = [...new Set([...quick, ...Object.keys(probes)])].map((probe) => {
    const own = probes[probe] ?? '';
    const pace = own.includes('interval_seconds') ? '' : 'interval_seconds = 2\n';
    const slow = own.includes('slow_seconds') ? '' : `${PATIENT_PROBES[probe] ?? ''}\n`;
    return `[probes.${probe}]\n${pace}${slow}${own}\n`;
  });
  const token = apiToken === undefined ? '' : `api_token_file = "${root}${API_TOKEN_FILE}"\n`;
  return `${sections.join('')}[gitlab]\nrequests_per_hour = 1800\n${token}${logFile}`;
}

/** By the package. */
const INSTALLED: Readonly<Record<string, string>> = {
  '/var/log/gitlab-runner.log': '',
  '/usr/bin/gitlab-runner': '',
};

const API_TOKEN_FILE = '/etc/runnerwatch/gitlab-api-token';

/** Of the runner's host, or of its container in a pod: nothing there is of this machine. */
function hasOwnRootOf(options: WorldOptions): boolean {
  return options.pod !== undefined || hasEngine(options);
}

/** A real one, in which the runner, runnerwatch or both are. */
export function hasEngine({ container, daemon }: WorldOptions): boolean {
  return container !== undefined || daemon?.container !== undefined;
}

export async function networkFor(options: WorldOptions, root: string): Promise<Network> {
  if (!hasOwnRootOf(options)) return await createNetwork();
  await mountOwnRoot(root);
  return await createNetwork(root);
}

export async function buildWorld(
  network: Network,
  root: string,
  options: WorldOptions,
  stack: AsyncDisposableStack,
): Promise<World> {
  const { entries = [usualEntry()], before, certificate = GOOD } = options;
  const uid = userOf(options);
  const folder = runnerFolderOf(options);
  const files = await RootFiles.create(root, filesOf(options, entries, root), folder);
  for (const folder of ['/builds', '/cache', '/home/gitlab-runner', '/tmp']) {
    await files.own(folder, uid);
  }
  if (options.pod !== undefined) await makePodFiles(files, root);
  await seeOnlyThisHost({ network, files }, options);
  const gitlab = stack.use(await startLabGitLab(options));
  const names = stack.use(await startNames());
  await gitlab.serve(certificate);
  for (const { token } of entries) gitlab.application.tokens.add(token);
  const { runner, place, daemonPaths } = await startPlace(network, root, options, stack);
  let adopted = stack.use(new AsyncDisposableStack());
  let daemon: LabDaemon | undefined;
  const release = async (): Promise<void> => {
    await adopted.disposeAsync();
    adopted = stack.use(new AsyncDisposableStack());
  };
  const { override } = gitlab.application;
  const world: World = {
    network,
    files,
    gitlab,
    names,
    runner,
    container: place,
    configFolder: folder,
    entries,
    get daemon(): LabDaemon {
      if (daemon === undefined) throw new Error('the daemon has not started');
      return daemon;
    },
    startDaemon: async () => {
      daemon = stack.use(await startDaemon(network, root, daemonPaths));
    },
    answers: (answer) => void (gitlab.application.override = answer),
    adopt: (peer) => void adopted.use(peer),
    check: async () => await check(network, root, daemonPaths),
    listenAt: async (server, port) => {
      server.listen({ host: GITLAB_ADDRESS, port });
      await once(server, 'listening');
      world.adopt({ [Symbol.asyncDispose]: async () => await closeNow(server) });
    },
    release,
    restore: async (isReloaded = true) => {
      await release();
      await network.restore();
      await files.restore();
      // Three refusals switch an entry off for an hour; a reload of its config ends that.
      if (isReloaded) await files.touch(`${folder}/config.toml`);
      await names.restore();
      gitlab.application.override = override;
      for (const { token } of entries) gitlab.application.tokens.add(token);
      await gitlab.serve(certificate);
      await runner.restore();
      await before?.(world);
    },
  };
  await before?.(world);
  return world;
}

/** As the runner's host has it. */
function runnerFolderOf({ container, pod }: WorldOptions): string {
  if (pod !== undefined) return POD_CONFIG_FOLDER;
  return container === undefined ? '/etc/gitlab-runner' : configFolderOf(container);
}

interface StartedPlace {
  readonly runner: LabRunner;
  readonly place: ContainerPlace | undefined;
  /** How runnerwatch is started there. */
  readonly daemonPaths: DaemonPaths | undefined;
}

async function startPlace(
  network: Network,
  root: string,
  options: WorldOptions,
  stack: AsyncDisposableStack,
): Promise<StartedPlace> {
  const { environment = {}, volume, container, daemon, pod } = options;
  const uid = userOf(options);
  const isWatchedInside = daemon?.container !== undefined;
  if (container !== undefined) {
    const place = await startContainerPlace(network, root, { ...container, environment }, stack);
    if (isWatchedInside) await loadWatcher(place.engine, root);
    return { runner: place.runner, place, daemonPaths: { ...daemon, hasOwnRoot: true } };
  }
  if (isWatchedInside) await loadWatcher(stack.use(await startEngine(network, 'docker')), root);
  const runner = await startRunner(network, {
    environment: pod === undefined ? environment : { ...POD_ENVIRONMENT, ...environment },
    uid,
    root,
    hasOwnRoot: hasOwnRootOf(options),
    config: options.runnerConfig ?? `${runnerFolderOf(options)}/config.toml`,
    format: options.logFormat ?? 'runner',
    ...(volume === undefined ? {} : { volume }),
  });
  const daemonPaths = pod === undefined ? daemon : { pod };
  return { runner: stack.use(runner), place: undefined, daemonPaths };
}

function userOf({ uid, pod }: WorldOptions): number {
  return uid ?? (pod === undefined ? 0 : POD_USER);
}

/** What the user of the pod may write; and the trust of runnerwatch's own image: the authorities of the public. */
async function makePodFiles(files: RootFiles, root: string): Promise<void> {
  await writeFile(`${root}-bundle.pem`, PUBLIC_ROOT.pem);
  await mkdir(`${root}${POD_STATE_FOLDER}`, { recursive: true });
  const names = ['', '/config.toml', '/.runner_system_id', '/certs'];
  for (const name of names) await files.own(`${POD_CONFIG_FOLDER}${name}`, POD_USER);
  await chmod(join(root, POD_CONFIG_FOLDER, 'config.toml'), 0o600);
  await files.own(POD_STATE_FOLDER, POD_USER);
}

/** By certsSecretName of the chart: no image trusts the authority of the lab by itself. */
function sharedTrustOf({ pod }: WorldOptions): Readonly<Record<string, string>> {
  if (pod === undefined || pod.sharesProcesses === true) return {};
  return { [`${POD_CONFIG_FOLDER}/certs/gitlab.test.crt`]: PUBLIC_ROOT.pem };
}

function filesOf(
  options: WorldOptions,
  entries: readonly Entry[],
  root: string,
): Readonly<Record<string, string>> {
  const { container } = options;
  const folder = runnerFolderOf(options);
  const ofPlace = container === undefined ? INSTALLED : ENGINE_FILES[container.engine];
  return {
    '/etc/hosts': '127.0.0.1 localhost\n',
    '/etc/resolv.conf': `nameserver ${GITLAB_ADDRESS}\noptions timeout:1 attempts:2\n`,
    '/etc/nsswitch.conf': 'hosts: files dns\n',
    '/etc/ssl/certs/ca-certificates.crt': PUBLIC_ROOT.pem,
    [`${folder}/config.toml`]: configText(entries, options.globals),
    [`${folder}/.runner_system_id`]: SYSTEM_ID,
    ...ofPlace,
    ...sharedTrustOf(options),
    '/pressure/cpu': CALM,
    '/pressure/io': CALM,
    '/pressure/memory': CALM,
    '/runnerwatch.toml': settingsText(options, root),
    ...(options.apiToken === undefined ? {} : { [API_TOKEN_FILE]: options.apiToken }),
    ...options.files?.(),
  };
}
