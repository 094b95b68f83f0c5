/** Starts the lab's runner on the runner's host, with the environment and the user that a row wants. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import type { Network } from '../network.ts';
import type { Fields, Level, LogFormat } from './runner-log.ts';
import { logLine } from './runner-log.ts';
import type { RunnerStandInOptions } from './runner-options.ts';
import { LOG_FILE, OPTIONS_VARIABLE } from './runner-options.ts';

export const STAND_IN = new URL('./runner-stand-in.ts', import.meta.url).href;
const PAUSE_MILLISECONDS = 10;

export interface RunnerOptions {
  readonly environment: Readonly<Record<string, string>>;
  readonly uid: number;
  /** The folder that serves as the host's root. */
  readonly root: string;
  readonly format: LogFormat;
  /** Behind `--config`. */
  readonly config: string;
  /** Where its standard error goes, as it sees it. */
  readonly log?: string;
  /** Its config folder as the host sees it: then it lives in a container, with namespaces of its own. */
  readonly volume?: string;
  /** Its host has a root of its own, which is this folder. */
  readonly hasOwnRoot?: boolean;
}

export interface LabRunner extends AsyncDisposable {
  /** Restarts the process, as `systemctl restart` would. */
  restart(environment?: Readonly<Record<string, string>>): Promise<void>;
  /** Of the process that was started last. */
  pid(): number;
  signal(signal: NodeJS.Signals): void;
  /** Ends the process without a restart. */
  stop(): Promise<void>;
  /** Another process; by default with the same file and the same log. */
  twin(config?: string, log?: string): Promise<AsyncDisposable>;
  /** What it logged until now. */
  log(): Promise<string>;
  /** Writes a line to its log that the stand-in never writes itself. */
  appendLog(level: Level, message: string, fields?: Fields): Promise<void>;
  /** As at the start, restarted only where it differs. */
  restore(): Promise<void>;
}

export async function startRunner(network: Network, options: RunnerOptions): Promise<LabRunner> {
  const start = async (
    environment: Readonly<Record<string, string>>,
    config = options.config,
    log = LOG_FILE,
  ): Promise<ChildProcess> => await startProcess(network, { ...options, environment, config, log });
  let child = await start(options.environment);
  let isAltered = false;
  const restart = async (environment = options.environment): Promise<void> => {
    await waitForExit(child);
    child = await start(environment);
    isAltered = environment !== options.environment;
  };
  return {
    restart,
    pid: () => child.pid ?? 0,
    signal: (signal) => void child.kill(signal),
    stop: async () => await waitForExit(child),
    twin: async (config, log) => {
      const second = await start(options.environment, config, log);
      return { [Symbol.asyncDispose]: async () => await waitForExit(second) };
    },
    appendLog: async (level, message, fields = {}) => {
      const line = logLine(options.format, level, message, fields, new Date());
      await appendFile(`${options.root}${LOG_FILE}`, `${line}\n`);
    },
    log: async () => await readFile(`${options.root}${LOG_FILE}`, 'utf8'),
    restore: async () => {
      if (isAltered || child.exitCode !== null || child.signalCode !== null) await restart();
    },
    [Symbol.asyncDispose]: async () => await waitForExit(child),
  };
}

async function startProcess(
  network: Network,
  {
    environment,
    uid,
    root: host,
    format,
    config,
    log = LOG_FILE,
    volume,
    hasOwnRoot = false,
  }: RunnerOptions,
): Promise<ChildProcess> {
  const args = ['run', '--config', config];
  const root = volume === undefined && !hasOwnRoot ? host : '';
  const order: RunnerStandInOptions = {
    root,
    config,
    format,
    checkSeconds: 2,
    unhealthySeconds: 60,
  };
  // Only bash can give a program another name.
  const shell = ['bash', '-c', 'exec -a gitlab-runner "$@"', 'sh', process.execPath, ...args];
  const user = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, await groupsOf(uid, host)];
  const inside = volume === undefined ? [] : containerOf(host, volume);
  const [program = '', ...rest] = [...network.prefix('rn'), ...inside, ...user, ...shell];
  const child = spawn(program, rest, {
    cwd: '/',
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: uid === 0 ? '/root' : '/home/gitlab-runner',
      NODE_OPTIONS: `--import=${STAND_IN}`,
      [OPTIONS_VARIABLE]: JSON.stringify(order),
      ...environment,
    },
    stdio: ['ignore', 'ignore', openSync(`${host}${log}`, 'a')],
  });
  await once(child, 'spawn');
  if (volume === undefined) await hasName(child.pid ?? 0);
  return child;
}

/** Those that /etc/group of its host has for its user, as at each start of a service. */
async function groupsOf(uid: number, host: string): Promise<string> {
  const [users, groups] = await Promise.all(
    ['passwd', 'group'].map(async (name) =>
      (await readFile(`${host}/etc/${name}`, 'utf8').catch(() => '')).split('\n'),
    ),
  );
  const name = users?.find((line) => line.split(':')[2] === String(uid))?.split(':')[0];
  const own = (groups ?? []).flatMap((line) => {
    const [, , gid = '', members = ''] = line.split(':');
    return name !== undefined && members.split(',').includes(name) ? [gid] : [];
  });
  return own.length === 0 ? '--clear-groups' : `--groups=${own.join(',')}`;
}

/** The folders of the host's image, and the volume with the runner's config. */
function containerOf(host: string, volume: string): readonly string[] {
  const script = [
    'mount -t tmpfs tmpfs /etc && cp -a "$0"/etc/. /etc',
    'mount --bind "$0$1" /etc/gitlab-runner && shift && exec "$@"',
  ].join(' && ');
  const spaces = ['unshare', '--mount', '--pid', '--fork', '--kill-child'];
  return [...spaces, 'sh', '-c', script, host, volume];
}

/** Before that /proc shows the programs that start it. */
async function hasName(pid: number): Promise<void> {
  for (;;) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    if (line.startsWith('gitlab-runner\0')) return;
    await delay(PAUSE_MILLISECONDS);
  }
}

async function waitForExit(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGCONT');
  child.kill('SIGKILL');
  await exit;
}
