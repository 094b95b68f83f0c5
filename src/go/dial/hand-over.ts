/** Gives the walk its connection, and the means to make the same one once more. */
import type { Socket } from 'node:net';

import type { Address, Walk } from '../../core/probe.ts';
import type { DialOptions } from './dial.ts';
import { dialLikeGo } from './dial.ts';

export function handOver(
  walk: Walk,
  socket: Socket,
  address: Address,
  port: number,
  deps: Omit<DialOptions, 'signal'>,
): void {
  walk.socket = socket;
  walk.open = async (signal) => {
    const redialled = await dialLikeGo([address], port, { ...deps, signal });
    if (redialled.socket === undefined) throw new Error(`cannot reconnect to ${address.address}`);
    return redialled.socket;
  };
}
