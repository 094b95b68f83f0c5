/**
 * Two hosts of their own, joined by one cable: network namespaces with a veth pair between them. Needs root.
 *
 *   runner  10.200.0.1  fd00:200::1   ── lab ──   gitlab  10.200.0.2  fd00:200::2
 *
 * Each is held open by a process that waits for its input to end, so nothing is left when the test process
 * dies: no name in /run/netns, no interface, no rule. The mounts of each are private too.
 */
import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

import type { Body, BodyOptions, BodyProcess } from './run-body.ts';
import { runBody, startBody } from './run-body.ts';
import { until } from './until.ts';

/** Name of the interface at either end. */
const LINK = 'lab';

export interface NetworkHost {
  readonly address: string;
  readonly address6: string;
  /** Runs a program to its end and returns what it printed. */
  exec(program: string, ...words: readonly string[]): Promise<string>;
  /** Calls an exported function of a module in a process of this host. */
  run<A extends readonly unknown[], R>(
    module: string,
    body: Body<A, R>,
    args: A,
    options?: BodyOptions,
  ): Promise<R>;
  /** Starts a process of this host that calls such a function again and again. */
  startBody<A extends readonly unknown[], R>(module: string, body: Body<A, R>): BodyProcess<A, R>;
  /** Starts a program that is killed with the network; resolves with its first output. */
  start(program: string, ...words: readonly string[]): Promise<StartedProgram>;
  /** `sysctl('net.ipv4.ip_local_port_range', '40000 40003')` */
  sysctl(name: string, value: string): Promise<void>;
  /** Adds a rule to what comes in: `filter('tcp dport 443 drop')`. Each is gone with the network. */
  filter(rule: string): Promise<void>;
  /** Forgets every rule of `filter`. */
  unfilter(): Promise<void>;
}

export interface StartedProgram {
  readonly process: ChildProcess;
  readonly firstOutput: string;
}

export interface Network extends AsyncDisposable {
  readonly runner: NetworkHost;
  readonly gitlab: NetworkHost;
}

/** `await using network = await createNetwork()`; both addresses answer when it returns. */
export async function createNetwork(): Promise<Network> {
  const children: ChildProcess[] = [];
  const network = { [Symbol.asyncDispose]: async () => await endAll(children) };
  try {
    const [runnerPid, gitlabPid] = [await holder(children), await holder(children)];
    const cable = `link add name ${LINK} netns ${runnerPid} type veth peer name ${LINK} netns ${gitlabPid}`;
    await promisify(execFile)('ip', cable.split(' '));
    const runner = hostOf(runnerPid, 1, children);
    const gitlab = hostOf(gitlabPid, 2, children);
    await Promise.all([bringUp(runner), bringUp(gitlab)]);
    // The kernel says a moment later that the cable has its two ends.
    await Promise.all([runner, gitlab].map(async (host) => await until(() => isRunning(host))));
    return { ...network, runner, gitlab };
  } catch (error) {
    await endAll(children);
    throw error;
  }
}

/** A process that is in new namespaces and does nothing; they live as long as it does. */
async function holder(children: ChildProcess[]): Promise<number> {
  const args = ['--net', '--mount', '--propagation', 'private', '--'];
  const child = spawn('unshare', [...args, 'sh', '-c', 'echo ready && exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  await firstOutputOf(child);
  return child.pid ?? 0;
}

function hostOf(pid: number, number: 1 | 2, children: ChildProcess[]): NetworkHost {
  const enter = ['nsenter', '--target', String(pid), '--net', '--mount', '--'] as const;
  const [program, ...entering] = enter;
  const exec = async (...words: readonly string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(program, [...entering, ...words]);
    return stdout;
  };
  return {
    address: `10.200.0.${number}`,
    address6: `fd00:200::${number}`,
    exec,
    run: async (module, body, args, { prefix = [], ...rest } = {}) =>
      await runBody(module, body, args, { ...rest, prefix: [...enter, ...prefix] }),
    startBody: (module, body) => startBody(module, body, { prefix: enter }),
    start: async (...words) => {
      const stdio = ['ignore', 'pipe', 'inherit'] as const;
      const child = spawn(program, [...entering, ...words], { stdio: [...stdio] });
      children.push(child);
      return { process: child, firstOutput: await firstOutputOf(child) };
    },
    sysctl: async (name, value) => {
      const place = `/proc/sys/${name.replaceAll('.', '/')}`;
      await exec('sh', '-c', 'echo "$1" > "$2"', 'sh', value, place);
    },
    filter: async (rule) => {
      await exec('nft', 'add table inet lab');
      await exec('nft', 'add chain inet lab input { type filter hook input priority 0; }');
      await exec('nft', `add rule inet lab input ${rule}`);
    },
    unfilter: async () => void (await exec('nft', 'flush', 'ruleset')),
  };
}

/** Without duplicate address detection an IPv6 address answers at once. */
async function bringUp(host: NetworkHost): Promise<void> {
  await host.exec('ip', 'link', 'set', 'lo', 'up');
  await host.exec('ip', 'address', 'add', `${host.address}/24`, 'dev', LINK);
  await host.exec('ip', 'address', 'add', `${host.address6}/64`, 'dev', LINK, 'nodad');
  await host.exec('ip', 'link', 'set', LINK, 'up');
}

async function isRunning(host: NetworkHost): Promise<boolean> {
  return / state UP /.test(await host.exec('ip', '-oneline', 'link', 'show', 'dev', LINK));
}

async function firstOutputOf(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString()));
  child.once('error', reject);
  child.once('exit', (code, signal) =>
    reject(new Error(`${child.spawnargs.join(' ')} ended with ${code ?? signal}`)),
  );
  return await promise;
}

/** The last started first: programs before the namespaces they are in. */
async function endAll(children: readonly ChildProcess[]): Promise<void> {
  for (const child of children.toReversed()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
