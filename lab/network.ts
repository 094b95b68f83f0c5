/**
 * Two network namespaces joined by a veth pair: `gl`, in which the worker itself runs with GitLab, name servers and
 * proxies, and `rn`, the runner's host. Both belong to the worker's process: when it ends, for any reason, the kernel
 * removes namespaces, rules, mounts and processes.
 */
import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { ownRootScript } from './container/own-root.ts';

export const RUNNER_ADDRESS = '10.200.0.1';
export const GITLAB_ADDRESS = '10.200.0.2';
export const SECOND_RESOLVER = '10.200.0.3';
export const PROXY_ADDRESS = '10.200.0.4';
/** An address of the veth network that no host has. */
export const DEAD_ADDRESS = '10.200.0.77';
export const GITLAB_ADDRESS_6 = 'fd00:200::2';
const RUNNER_ADDRESS_6 = 'fd00:200::1';
const WIRE = 'v0';
const PAUSE_MILLISECONDS = 10;
const CLEAR_OWN_RULES = 'nft add table inet lab; nft delete table inet lab';

/** Rules of x_tables, which nft does not see; without any nothing is touched, since that makes tables. */
const FORGET_LEGACY = `
for family in ip ip6; do
  for table in $(cat /proc/net/\${family}_tables_names); do
    printf "*$table\\nCOMMIT\\n" | \${family}tables-legacy-restore
    \${family}tables-legacy -t $table -P OUTPUT ACCEPT
  done
done`;

const execute = promisify(execFile);

export type Side = 'rn' | 'gl';

export interface Network extends AsyncDisposable {
  /** The arguments that run a command on one side. */
  prefix(side: Side): readonly string[];
  /** The same for the network of the runner's host alone, with the files of this machine. */
  readonly inNetwork: readonly string[];
  /** Runs a shell command there; a failure is an error with its output. */
  run(side: Side, command: string): Promise<string>;
  /** Adds a rule to the filter of a side: `rule('gl', 'input', 'tcp dport 443 drop')`. */
  rule(side: Side, hook: 'input' | 'output', text: string): Promise<void>;
  /** Wire, routes and rules as they were at the start. */
  restore(): Promise<void>;
}

/** `ownRoot`: folder that is the root of the runner's host; without it, that is the root of this machine. */
export async function createNetwork(ownRoot?: string): Promise<Network> {
  const holder = ownRoot === undefined ? await holdSpaces() : await holdOwnRoot(ownRoot);
  const pid = holder.pid ?? 0;
  const group = ownRoot === undefined ? [] : ['--cgroup'];
  const prefix = (side: Side): readonly string[] =>
    side === 'gl' ? [] : ['nsenter', '--target', String(pid), '--net', '--mount', ...group, '--'];
  const run = async (side: Side, command: string): Promise<string> => {
    const [program, ...args] = [...prefix(side), 'sh', '-c', command];
    return (await execute(program, args)).stdout;
  };
  await run(
    'gl',
    `ip link set lo up; ip link add ${WIRE} type veth peer name ${WIRE} netns ${pid}`,
  );
  // Rows send requests far more often than hosts do; the kernel would otherwise rate-limit its "refused".
  await run('gl', 'sysctl -q -w net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0');
  await run('rn', 'ip link set lo up');
  // An engine has rules of its own; rows add theirs to the table.
  const clear = ownRoot === undefined ? `${FORGET_LEGACY}\nnft flush ruleset` : CLEAR_OWN_RULES;
  const network: Network = {
    prefix,
    inNetwork: ['nsenter', '--target', String(pid), '--net', '--'],
    run,
    rule: async (side, hook, text) => {
      const chain = `add table inet lab; add chain inet lab ${hook} { type filter hook ${hook} priority 0; }`;
      await run(side, `nft '${chain}; add rule inet lab ${hook} ${text}'`);
    },
    restore: async () => {
      await run(
        'gl',
        `nft flush ruleset; ${wireUp([GITLAB_ADDRESS, SECOND_RESOLVER, PROXY_ADDRESS], GITLAB_ADDRESS_6)}`,
      );

      await run('rn', `${clear}; ${wireUp([RUNNER_ADDRESS], RUNNER_ADDRESS_6)}`);
    },
    [Symbol.asyncDispose]: async () => {
      if (holder.exitCode !== null || holder.signalCode !== null) return;
      const ended = once(holder, 'exit');
      holder.kill('SIGKILL');
      await ended;
    },
  };
  await network.restore();
  return network;
}

/** `replace` leaves what is right alone, so established connections live on. */
function wireUp(addresses: readonly string[], address6: string): string {
  const commands = [
    `ip link set ${WIRE} up`,
    `sysctl -q -w net.ipv6.conf.all.disable_ipv6=0`,
    ...addresses.map((address) => `ip addr replace ${address}/24 dev ${WIRE}`),
    `ip addr replace ${address6}/64 dev ${WIRE} nodad`,
    `ip route replace 10.200.0.0/24 dev ${WIRE} src ${addresses[0]}`,
    `ip neigh flush dev ${WIRE}`,
  ];
  return commands.join(' && ');
}

/** The holder's namespaces are those of the runner's host. */
async function holdSpaces(): Promise<ChildProcess> {
  const spaces = [
    '--net',
    '--mount',
    'sh',
    '-c',
    'mount -t sysfs sysfs /sys && exec sleep infinity',
  ];
  const holder = spawn('unshare', spaces, { stdio: 'ignore' });
  await once(holder, 'spawn');
  await hasOwnNetwork(holder.pid ?? 0);
  return holder;
}

async function holdOwnRoot(root: string): Promise<ChildProcess> {
  const spaces = ['--net', '--mount', '--cgroup', 'sh', '-e', '-c', ownRootScript(root)];
  const holder = spawn('unshare', spaces, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(holder, 'exit').then(() => {
    throw new Error('the root of the runner’s host could not be made');
  });
  await Promise.race([once(holder.stdout, 'data'), ended]);
  return holder;
}

/** The child exists before `unshare` has done its work. */
async function hasOwnNetwork(pid: number): Promise<void> {
  const own = await readlink('/proc/self/ns/net');
  const ownMounts = await readlink('/proc/self/ns/mnt');
  for (;;) {
    const theirs = await readlink(`/proc/${pid}/ns/net`);
    const theirMounts = await readlink(`/proc/${pid}/ns/mnt`);
    if (theirs !== own && theirMounts !== ownMounts) return;
    await delay(PAUSE_MILLISECONDS);
  }
}
