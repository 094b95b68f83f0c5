/**
 * The network in which a check looks. Node opens sockets in the network of its thread, so the thread enters that of the
 * runner for the moment in which a socket is made, and comes back before anything else runs
 * (docs/decisions/0011-in-the-network-of-the-runner.md). A socket stays in the network where it was made.
 *
 * Promises: nothing is entered but the network that was meant, and nothing of it is held open; a network that may not be
 * entered is an error with the code ENTRY_REFUSED, never one that a server or a route could give, and what this program
 * lacks for another reason keeps its own code (EMFILE).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket as DatagramSocket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { closeSync, fstatSync, openSync, readlinkSync, statSync } from 'node:fs';
import { isIP, Socket } from 'node:net';
import { lookup as lookupWithLibc } from 'node:dns';
import { join } from 'node:path';

import { isErrno } from '../../core/errno.ts';
import type { Network, Paths } from '../../core/paths.ts';
import type { Address } from '../../core/probe.ts';
import { libc } from '../libc.ts';

export const ENTRY_REFUSED = 'ENTRY_REFUSED';

interface Entered extends Network {
  readonly procfs: string;
}

const atHand = new AsyncLocalStorage<Entered | undefined>();

/** All that `run` opens by this file, now and later, is opened in the network of these paths. */
export function inNetworkOf<T>({ network, procfs }: Paths, run: () => T): T {
  return atHand.run(network === undefined ? undefined : { ...network, procfs }, run);
}

/** What `make` does before it returns happens in the network at hand. */
export function inNetworkAtHand<T>(make: () => T): T {
  const network = atHand.getStore();
  if (network === undefined) return make();
  const own = ownNetwork();
  enter(network);
  try {
    return make();
  } finally {
    // In the wrong network every later connection of this program would be wrong.
    if (libc()?.enterNetwork(own) !== true) process.abort();
  }
}

/** Names the network at hand, to tell what was found in it from what was found elsewhere. */
export function networkKey(): string {
  const network = atHand.getStore();
  return network === undefined ? '' : String(network.inode);
}

/** Of one that nothing but its files in /proc/PID/net tells from ours: it cannot be entered. */
const UNNAMED = 0;

/**
 * The network of a process where it is not ours; undefined where it is, or cannot be seen. It waits for nothing: read by
 * another thread, this one could be elsewhere at that moment.
 */
export function networkOf(pid: number, { procfs }: Paths): Network | undefined {
  try {
    const inode = Number(/\d+/.exec(readlinkSync(join(procfs, String(pid), 'ns/net')))?.[0]);
    return inode === fstatSync(ownNetwork()).ino ? undefined : { pid, inode };
  } catch (error) {
    const isClosed = isErrno(error, 'EACCES', 'EPERM') && isOtherNetwork(pid, procfs);
    return isClosed ? { pid, inode: UNNAMED } : undefined;
  }
}

/** Anyone may see that: each network has files of its own there. */
function isOtherNetwork(pid: number, procfs: string): boolean {
  try {
    const [its, ours] = [String(pid), 'self'].map((who) => statSync(join(procfs, who, 'net/dev')));
    return its?.ino !== ours?.ino;
  } catch {
    return false;
  }
}

/** What keeps this program out of a network; undefined when nothing does, or when the network is gone. */
export function obstacleTo(paths: Paths): string | undefined {
  try {
    inNetworkOf(paths, () => inNetworkAtHand(() => {}));
    return undefined;
  } catch (error) {
    return error instanceof EntryError && !error.isGone ? error.message : undefined;
  }
}

/** An unconnected TCP socket of the network at hand. */
export function newTcpSocket(family: Address['family'], set?: (fd: number) => void): Socket {
  if (atHand.getStore() === undefined && set === undefined) return new Socket();
  return wrap(descriptorOf(family, 'tcp'), (fd) => {
    set?.(fd);
    return new Socket({ fd, readable: true, writable: true });
  });
}

/** An unconnected UDP socket of the network at hand. */
export function newUdpSocket(family: Address['family']): DatagramSocket {
  const kind = family === 6 ? 'udp6' : 'udp4';
  if (atHand.getStore() === undefined) return createSocket(kind);
  return wrap(descriptorOf(family, 'udp'), (fd) => createSocket(kind).bind({ fd }));
}

/** Nothing else closes a descriptor that no socket has taken. */
function wrap<T>(fd: number, make: (fd: number) => T): T {
  try {
    return make(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

export interface Destination {
  readonly host: string;
  readonly port: number;
  /** How it is reached; by default at the first address that libc finds. */
  readonly dial?: Dial | undefined;
}

/** Rejects with the code of a socket of Node. */
export type Dial = (host: string, port: number) => Promise<Socket>;

/** For `createConnection` of `node:http`: a connection in the network at hand. */
export function connectTo(
  { host, port, dial }: Destination,
  onEnd: (error: Error | null, socket: Socket) => void,
): undefined {
  // An error needs no socket, and the type of the callback has no room for that.
  const refuse = onEnd as (error: unknown) => void;
  if (dial !== undefined) {
    void dial(host, port).then((socket) => onEnd(null, socket), refuse);
    return;
  }
  const connect = (address: string): void => {
    let socket: Socket;
    try {
      socket = newTcpSocket(isIP(address) === 6 ? 6 : 4).connect({ host: address, port });
    } catch (error) {
      refuse(error);
      return;
    }
    onEnd(null, socket);
  };
  if (isIP(host) !== 0) {
    connect(host);
    return;
  }
  lookupWithLibc(host, { all: false }, (error, address) => {
    if (error === null) connect(address);
    else refuse(error);
  });
}

class EntryError extends Error {
  readonly code = ENTRY_REFUSED;
  /** It ended with its processes. */
  readonly isGone: boolean;

  constructor(message: string, isGone = false) {
    super(message);
    this.isGone = isGone;
  }
}

const NO_CALL = 'this Node cannot enter another network (it has no node:ffi)';
const NO_RIGHT =
  'runnerwatch may not enter the network of the runner: it needs CAP_SYS_ADMIN and CAP_SYS_PTRACE';

function enter({ procfs, pid, inode }: Entered): void {
  const calls = libc();
  if (calls === undefined) throw new EntryError(NO_CALL);
  const fd = openNetwork(join(procfs, String(pid), 'ns/net'));
  try {
    // A number of a process may come round again.
    if (fstatSync(fd).ino !== inode) throw new EntryError('its network is gone', true);
    if (!calls.enterNetwork(fd)) throw new EntryError(NO_RIGHT);
  } finally {
    closeSync(fd);
  }
}

function openNetwork(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) throw new EntryError('its network is gone', true);
    throw isErrno(error, 'EACCES', 'EPERM') ? new EntryError(NO_RIGHT) : error;
  }
}

let own: number | undefined;

/** The way back; opened before this thread has been anywhere else. */
function ownNetwork(): number {
  own ??= openSync('/proc/thread-self/ns/net', 'r');
  return own;
}

function descriptorOf(family: Address['family'], kind: 'tcp' | 'udp'): number {
  const calls = libc();
  if (calls === undefined) throw new EntryError(NO_CALL);
  const fd = inNetworkAtHand(() => calls.socket(family, kind));
  if (fd >= 0) return fd;
  // As the kernel refuses an IPv6 socket where that is off, and any socket where no descriptor is left.
  const code = family === 6 ? 'EAFNOSUPPORT' : 'EMFILE';
  throw Object.assign(new Error(`no ${kind} socket`), { code, syscall: 'socket' });
}
