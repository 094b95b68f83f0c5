/**
 * Are the local ports of this host used up? The kernel needs a free one for each peer, so the busiest peer counts. The
 * long list of connections is read only when the summary shows many.
 *
 * Source  /proc/net/{sockstat,tcp,tcp6} (proc(5)), /proc/sys/net/ipv4/ip_local_port_range.
 */
import { open } from 'node:fs/promises';

import type { Paths } from '../../core/paths.ts';
import { procFile, readProc } from '../proc/proc-files.ts';

/** A list of 200,000 connections is 30 MB; more are not needed for a result. */
const MAX_LINES = 200_000;

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export async function readPortRange(paths: Paths): Promise<PortRange | undefined> {
  const text = (await readProc(paths, 'sys/net/ipv4/ip_local_port_range')) ?? '';
  const [, first, last] = /^(\d+)\s+(\d+)/.exec(text) ?? [];
  return first === undefined ? undefined : { first: Number(first), last: Number(last) };
}

/** TCP sockets that are in use, and those that wait for their end (TIME_WAIT). */
export async function readSocketCounts(
  paths: Paths,
): Promise<{ readonly inUse: number; readonly waiting: number } | undefined> {
  const text = (await readProc(paths, 'net/sockstat')) ?? '';
  const counts = /^TCP: inuse (?<used>\d+) .*\btw (?<waiting>\d+)/m.exec(text)?.groups;
  if (counts === undefined) return undefined;
  const six = /^TCP6: inuse (?<used>\d+)/m.exec((await readProc(paths, 'net/sockstat6')) ?? '');
  const inUse = Number(counts['used']) + Number(six?.groups?.['used'] ?? 0);
  return { inUse, waiting: Number(counts['waiting']) };
}

export interface BusyPeer {
  /** `10.200.0.2:443` */
  readonly peer: string;
  readonly ports: number;
}

/** The peer to which most local ports of the range are in use. */
export async function busiestPeer(range: PortRange, paths: Paths): Promise<BusyPeer | undefined> {
  const counts = new Map<string, number>();
  for (const name of ['tcp', 'tcp6']) {
    for await (const line of linesOf(procFile(paths, `net/${name}`))) {
      const peer = peerOf(line, range);
      if (peer !== undefined) counts.set(peer, (counts.get(peer) ?? 0) + 1);
    }
  }
  const [first] = [...counts].toSorted(([, a], [, b]) => b - a);
  return first === undefined ? undefined : { peer: formatPeer(first[0]), ports: first[1] };
}

/** Nothing where there is no such file: IPv6 may be off. */
async function* linesOf(path: string): AsyncGenerator<string> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return;
  let count = 0;
  try {
    for await (const line of file.readLines({ autoClose: false })) {
      if (count >= MAX_LINES) return;
      count += 1;
      yield line;
    }
  } finally {
    await file.close();
  }
}

const LISTENING = '0A';

/** Undefined for listeners, and for local ports that a program chose itself. */
function peerOf(line: string, { first, last }: PortRange): string | undefined {
  const [, port, peer, state] =
    /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]+:[0-9A-F]{4}) ([0-9A-F]{2})/.exec(line) ?? [];
  if (port === undefined || state === LISTENING) return undefined;
  const number = Number.parseInt(port, 16);
  return number >= first && number <= last ? peer : undefined;
}

/** IPv4 as four numbers, which the kernel writes in reverse order; a longer address stays as it is. */
function formatPeer(peer: string): string {
  const [address = '', port = '0'] = peer.split(':');
  const bytes = (address.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
  const host = bytes.length === 4 ? bytes.toReversed().join('.') : address;
  return `${host}:${Number.parseInt(port, 16)}`;
}
