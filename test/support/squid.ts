/** A real squid on a free port of loopback, in a folder of its own: `await using squid = await startSquid()`. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { closedPort } from './tcp-server.ts';
import { until } from './until.ts';

const SQUID = '/usr/sbin/squid';
const NCSA = '/usr/lib/squid/basic_ncsa_auth';

export interface SquidOptions {
  /** Names and passwords; without any, no login is required. */
  readonly users?: Readonly<Record<string, string>>;
  /** Ports that CONNECT may reach; all when absent. */
  readonly ports?: readonly number[];
  /** Addresses of names that only the proxy knows; the host's own file when absent. */
  readonly hosts?: Readonly<Record<string, string>>;
}

export interface Squid extends AsyncDisposable {
  readonly port: number;
  /** Its access log until now. */
  accessLog(): Promise<string>;
}

export async function startSquid(options: SquidOptions = {}): Promise<Squid> {
  if (!existsSync(SQUID)) throw new Error('squid is missing: apt-get install squid');
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-squid-'));
  // Started as root it drops to its own user, which writes its logs here.
  await chmod(folder, 0o777);
  const port = await closedPort();
  await writeFile(join(folder, 'users'), usersText(options.users ?? {}));
  await writeFile(join(folder, 'hosts'), hostsText(options.hosts ?? {}));
  await writeFile(join(folder, 'squid.conf'), configText(folder, port, options));
  // In the foreground and without a second process (-N), so that its pid is the one to end; under a name of
  // its own (-n), since its shared memory is named after that.
  const flags = ['-N', '-n', `runnerwatch${port}`, '-f', join(folder, 'squid.conf')];
  const child = spawn(SQUID, flags, { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    // Not SIGKILL: on SIGTERM it removes its shared memory.
    child.kill('SIGINT');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  await until(async () => child.exitCode !== null || (await listens(port)));
  if (child.exitCode !== null) {
    const log = await readFile(join(folder, 'cache.log'), 'utf8').catch(() => 'no log');
    await stop();
    throw new Error(`squid does not listen on ${port}: ${log}`);
  }
  return {
    port,
    accessLog: () => readFile(join(folder, 'access.log'), 'utf8'),
    [Symbol.asyncDispose]: stop,
  };
}

/** In the format of htpasswd: the helper accepts hashes only. */
function usersText(users: Readonly<Record<string, string>>): string {
  return Object.entries(users)
    .map(([name, password]) => `${name}:${hashOf(password)}\n`)
    .join('');
}

function hashOf(password: string): string {
  const flags = ['passwd', '-1', '-stdin'];
  return execFileSync('openssl', flags, { input: password, encoding: 'utf8' }).trim();
}

function hostsText(hosts: Readonly<Record<string, string>>): string {
  return Object.entries(hosts)
    .map(([name, address]) => `${address} ${name}\n`)
    .join('');
}

function configText(folder: string, port: number, { users, ports, hosts }: SquidOptions): string {
  const lines = [
    `http_port 127.0.0.1:${port}`,
    `pid_filename ${folder}/squid.pid`,
    `access_log stdio:${folder}/access.log`,
    `cache_log ${folder}/cache.log`,
    'cache deny all',
    'coredump_dir /',
    'shutdown_lifetime 0 seconds',
    'connect_timeout 2 seconds',
    'dns_nameservers 127.0.0.1',
    'dns_timeout 1 second',
    ...(hosts === undefined ? [] : [`hosts_file ${folder}/hosts`]),
    'pinger_enable off',
    'netdb_filename none',
    ...(users === undefined
      ? []
      : [
          `auth_param basic program ${NCSA} ${folder}/users`,
          'auth_param basic children 1 startup=1 idle=1',
          'auth_param basic realm test',
          'acl known proxy_auth REQUIRED',
          'http_access deny !known',
        ]),
    ...(ports === undefined
      ? []
      : [
          `acl wanted port ${ports.join(' ')}`,
          'acl tunnel method CONNECT',
          'http_access deny tunnel !wanted',
        ]),
    'http_access allow all',
  ];
  return `${lines.join('\n')}\n`;
}

async function listens(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: '127.0.0.1', port });
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  const result = await promise;
  socket.destroy();
  return result;
}
