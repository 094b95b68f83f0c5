/** Calls of libc that Node does not have, by `node:ffi` (Node 26); undefined where this Node has none. */
import { Buffer } from 'node:buffer';

import type { Address } from '../core/probe.ts';

/** <sys/socket.h> and <sched.h> of Linux. */
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOCKETS = { tcp: 1, udp: 2 } as const;
const CLONE_NEWNET = 0x4000_0000;

interface Calls {
  socket(domain: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, name: number, value: bigint, length: number): number;
  setns(fd: number, kind: number): number;
}

interface Ffi {
  dlopen(path: null, signatures: object): { readonly functions: Calls };
  getRawPointer(bytes: Buffer): bigint;
}

export interface Libc {
  /** The descriptor of a socket that does not block; negative when there is none. */
  socket(family: Address['family'], kind: keyof typeof SOCKETS): number;
  setOption(fd: number, level: number, name: number, value: number): boolean;
  /** This thread is in that network from now on; false where it may not be. */
  enterNetwork(fd: number): boolean;
}

const INTEGERS = (count: number): readonly string[] => Array.from({ length: count }, () => 'i32');
/** Both spellings: the keys were renamed within Node 26. */
const signature = (types: readonly string[]) => ({
  arguments: types,
  return: 'i32',
  parameters: types,
  result: 'i32',
});

let loaded: Libc | undefined;
let isTried = false;

export function libc(): Libc | undefined {
  if (!isTried) {
    isTried = true;
    try {
      loaded = load();
    } catch {
      // A library without these functions.
    }
  }
  return loaded;
}

function load(): Libc | undefined {
  const ffi = withoutWarnings(() =>
    process.getBuiltinModule('node:ffi' as 'node:fs'),
  ) as unknown as Ffi | undefined;
  if (ffi === undefined) return undefined;
  const calls = ffi.dlopen(null, {
    socket: signature(INTEGERS(3)),
    setsockopt: signature([...INTEGERS(3), 'pointer', 'u32']),
    setns: signature(INTEGERS(2)),
  }).functions;
  return {
    socket: (family, kind) => {
      const domain = family === 4 ? AF_INET : AF_INET6;
      return calls.socket(domain, SOCKETS[kind] | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    },
    setOption: (fd, level, name, value) => {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(value);
      return calls.setsockopt(fd, level, name, ffi.getRawPointer(bytes), bytes.length) === 0;
    },
    enterNetwork: (fd) => calls.setns(fd, CLONE_NEWNET) === 0,
  };
}

/** Loading the module warns that it is experimental, which is no line for the log of a daemon. */
function withoutWarnings<T>(run: () => T): T {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => {};
  try {
    return run();
  } finally {
    process.emitWarning = emitWarning;
  }
}
