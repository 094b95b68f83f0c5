/** Proxies on their own address: a scripted one, and a real squid. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { GITLAB_ADDRESS, PROXY_ADDRESS } from '../network.ts';

export const PROXY_PORT = 3128;
const SQUID = '/usr/sbin/squid';
/** Behind the memory file system of the worker. */
const FOLDER = '/mnt/squid';
const PAUSE_MILLISECONDS = 50;

/** `CONNECT gitlab.test:443`, and the headers as they came. */
export interface ProxyRequest {
  readonly method: string;
  readonly target: string;
  readonly head: string;
  readonly nth: number;
}

/** A port opens a tunnel to GitLab's address, a text is sent as the answer, and `undefined` sends nothing. */
export type ProxyReply = (asked: ProxyRequest) => Destination | number | string | undefined;

/** Where a tunnel to another machine leads. */
interface Destination {
  readonly host: string;
  readonly port: number;
}

export function refusal(status: string, headers = ''): string {
  return `HTTP/1.1 ${status}\r\n${headers}Content-Length: 0\r\n\r\n`;
}

/** A proxy that opens every tunnel. */
export const OPEN: ProxyReply = ({ target }) =>
  target.startsWith('http://') ? 80 : Number(target.split(':').at(-1));

export async function startProxy(says: ProxyReply, port = PROXY_PORT): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  let nth = 0;
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
    readHead(socket, (head) => {
      const [method = '', target = ''] = head.split(' ');
      nth += 1;
      answer(socket, says({ method, target, head, nth }), head, sockets);
    });
  });
  server.listen({ host: PROXY_ADDRESS, port });
  await once(server, 'listening');
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function answer(
  socket: Socket,
  said: ReturnType<ProxyReply>,
  head: string,
  sockets: Set<Socket>,
): void {
  if (said === undefined) return;
  if (typeof said === 'string') return void socket.end(said);
  const to = typeof said === 'number' ? { host: GITLAB_ADDRESS, port: said } : said;
  const onward = connect(to);
  sockets.add(onward);
  onward.on('error', () => socket.destroy()).once('close', () => sockets.delete(onward));
  onward.once('connect', () => {
    // For http:// the request itself is passed on, with the path alone.
    if (head.startsWith('CONNECT')) socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    else onward.write(head.replace(/^(\w+) http:\/\/[^/ ]+/, '$1 '));
    socket.pipe(onward).pipe(socket);
  });
}

function readHead(socket: Socket, done: (head: string) => void): void {
  let head = '';
  const onData = (chunk: Buffer): void => {
    head += chunk.toString('latin1');
    if (!head.includes('\r\n\r\n')) return;
    socket.off('data', onData);
    done(head);
  };
  socket.on('data', onData);
}

export interface SquidOptions {
  /** `name: password`; without any, no login is required. */
  readonly users?: Readonly<Record<string, string>>;
  /** Further lines, before everything is allowed. */
  readonly lines?: readonly string[];
}

export async function startSquid({ users, lines = [] }: SquidOptions): Promise<AsyncDisposable> {
  await mkdir(FOLDER, { recursive: true });
  await chmod(FOLDER, 0o777);
  const login = users === undefined ? [] : LOGIN;
  await writeFile(`${FOLDER}/users`, usersText(users ?? {}));
  await writeFile(
    `${FOLDER}/squid.conf`,
    [...BASE, ...login, ...lines, 'http_access allow all', ''].join('\n'),
  );
  const args = ['-N', '-n', `lab${process.ppid}x${Date.now()}`, '-f', `${FOLDER}/squid.conf`];
  const child = spawn(SQUID, args, { stdio: 'ignore' });
  const exit = once(child, 'exit');
  while (child.exitCode === null && !(await isOpen())) await delay(PAUSE_MILLISECONDS);
  if (child.exitCode !== null) throw new Error(`squid ended with ${child.exitCode}`);
  return {
    [Symbol.asyncDispose]: async () => {
      // Not SIGKILL: on SIGTERM it removes its shared memory.
      child.kill('SIGINT');
      await exit;
    },
  };
}

const BASE = [
  `http_port ${PROXY_ADDRESS}:${PROXY_PORT}`,
  `pid_filename ${FOLDER}/squid.pid`,
  `access_log none`,
  `cache_log ${FOLDER}/cache.log`,
  'cache deny all',
  'coredump_dir /',
  'shutdown_lifetime 0 seconds',
  'connect_timeout 2 seconds',
  `dns_nameservers ${GITLAB_ADDRESS}`,
  'dns_timeout 1 second',
  'pinger_enable off',
  'netdb_filename none',
];
const LOGIN = [
  `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${FOLDER}/users`,
  'auth_param basic children 1 startup=1 idle=1',
  'auth_param basic realm lab',
  'acl known proxy_auth REQUIRED',
  'http_access deny !known',
];

function usersText(users: Readonly<Record<string, string>>): string {
  return Object.entries(users)
    .map(([name, password]) => `${name}:${hashOf(password)}\n`)
    .join('');
}

function hashOf(password: string): string {
  const args = ['passwd', '-1', '-stdin'];
  return execFileSync('openssl', args, { input: password, encoding: 'utf8' }).trim();
}

async function isOpen(): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: PROXY_ADDRESS, port: PROXY_PORT });
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  const isListening = await promise;
  socket.destroy();
  return isListening;
}
