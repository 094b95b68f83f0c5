/** TCP peers on loopback: one that accepts, one that is closed, one that never accepts a connection. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';

export interface TcpServer extends AsyncDisposable {
  readonly port: number;
  /** Connections that were taken and are still open. */
  openCount(): number;
}

/** Passes every connection to `handle`; without one it accepts and sends nothing. */
export async function startTcpServer(
  handle: (socket: Socket) => void = () => {},
  host = '127.0.0.1',
  port = 0,
): Promise<TcpServer> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    handle(socket);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: portOf(server.address()),
    openCount: () => open.size,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A port on which nothing listens. */
export async function closedPort(host = '127.0.0.1'): Promise<number> {
  await using server = await startTcpServer(undefined, host);
  return server.port;
}

/** How many connections at most are held to fill the queue of a server that accepts none. */
const MAX_HELD = 8;
/** On loopback a connection that is not made by then will not be made. */
const FULL_AFTER_MILLISECONDS = 200;

/**
 * A port that answers no connection request, as behind a firewall that drops: the queue of a stopped process
 * is full, so the kernel drops what comes.
 */
export async function startDeafServer(host = '127.0.0.1', port = 0): Promise<TcpServer> {
  const script = `require('net').createServer().listen(
    { host: '${host}', port: ${port}, backlog: 1 },
    function () { process.stdout.write(this.address().port + '\\n'); },
  )`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const taken = Number(line.toString());
  child.kill('SIGSTOP');
  const held: Socket[] = [];
  let isFull = false;
  for (let count = 0; count < MAX_HELD && !isFull; count += 1) {
    const socket = connect({ host, port: taken });
    socket.on('error', () => {});
    held.push(socket);
    isFull = !(await connects(socket));
  }
  return {
    port: taken,
    openCount: () => held.length,
    [Symbol.asyncDispose]: async () => {
      for (const socket of held) socket.destroy();
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      if (!isFull) throw new Error('the queue of the deaf server was never full');
    },
  };
}

async function connects(socket: Socket): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  // Not before what has come meanwhile was seen: this process may have waited for a core.
  const timer = setTimeout(() => setImmediate(() => resolve(false)), FULL_AFTER_MILLISECONDS);
  socket.once('connect', () => resolve(true));
  const connected = await promise;
  clearTimeout(timer);
  return connected;
}

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return address.port;
}
