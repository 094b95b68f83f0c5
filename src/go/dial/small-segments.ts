/**
 * A connection whose peer may send only small segments: TCP_MAXSEG is set before the connection is made, so that the
 * answer fits through a path with a small MTU. If a handshake succeeds with small segments and times out without them,
 * large packets are lost (path MTU black hole).
 *
 * Node has no such option; `node:ffi` (Node 26) calls libc. Without it the result is unknown.
 */
import { Buffer } from 'node:buffer';
import { Socket } from 'node:net';

import type { Address } from '../../core/probe.ts';

/** The smallest segment that every IPv4 host must accept (RFC 1122, 4.2.2.6). */
const SEGMENT_BYTES = 536;
/** <sys/socket.h> and <netinet/tcp.h> of Linux. */
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_TCP = 6;
const TCP_MAXSEG = 2;

interface Calls {
  socket(domain: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, name: number, value: bigint, length: number): number;
}

interface Ffi {
  dlopen(path: null, signatures: object): { readonly functions: Calls };
  getRawPointer(bytes: Buffer): bigint;
}

const INTEGERS = (count: number): readonly string[] => Array.from({ length: count }, () => 'i32');
/** Both spellings: the keys were renamed within Node 26. */
const signature = (types: readonly string[]) => ({
  arguments: types,
  return: 'i32',
  parameters: types,
  result: 'i32',
});

let calls: Calls | undefined;

/** Loading the module warns that it is experimental, which is no line for the log of a daemon. */
function withoutWarnings<T>(load: () => T): T {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => {};
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** An unconnected socket, or undefined where this Node or this system cannot make one. */
export function smallSegmentSocket(family: Address['family']): Socket | undefined {
  const ffi = withoutWarnings(() =>
    process.getBuiltinModule('node:ffi' as 'node:fs'),
  ) as unknown as Ffi | undefined;
  if (ffi === undefined) return undefined;
  try {
    calls ??= ffi.dlopen(null, {
      socket: signature(INTEGERS(3)),
      setsockopt: signature([...INTEGERS(3), 'pointer', 'u32']),
    }).functions;
    const domain = family === 4 ? AF_INET : AF_INET6;
    const fd = calls.socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return undefined;
    const value = Buffer.alloc(4);
    value.writeInt32LE(SEGMENT_BYTES);
    const failed = calls.setsockopt(
      fd,
      IPPROTO_TCP,
      TCP_MAXSEG,
      ffi.getRawPointer(value),
      value.length,
    );
    const socket = new Socket({ fd, readable: true, writable: true });
    if (failed === 0) return socket;
    socket.destroy();
    return undefined;
  } catch {
    return undefined;
  }
}
