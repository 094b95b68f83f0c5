/**
 * A connection whose peer may send only small segments: TCP_MAXSEG is set before the connection is made, so that the
 * answer fits through a path with a small MTU. If a handshake succeeds with small segments and times out without them,
 * large packets are lost (path MTU black hole). Without `node:ffi` the result is unknown.
 */
import type { Socket } from 'node:net';

import type { Address } from '../../core/probe.ts';
import { libc } from '../../host/libc.ts';
import { newTcpSocket } from '../../host/net/network.ts';

/** The smallest segment that every IPv4 host must accept (RFC 1122, 4.2.2.6). */
const SEGMENT_BYTES = 536;
/** <netinet/tcp.h> of Linux. */
const IPPROTO_TCP = 6;
const TCP_MAXSEG = 2;

/** An unconnected socket, or undefined where this Node or this system cannot make one. */
export function smallSegmentSocket(family: Address['family']): Socket | undefined {
  let isSet = false;
  try {
    const socket = newTcpSocket(family, (fd) => {
      isSet = libc()?.setOption(fd, IPPROTO_TCP, TCP_MAXSEG, SEGMENT_BYTES) === true;
    });
    if (isSet) return socket;
    socket.destroy();
  } catch {
    // As where there is no such call.
  }
  return undefined;
}
