/** This host's end of a connection: the address and the interface that the kernel would choose. Sends nothing. */
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

import { newUdpSocket } from './network.ts';
import { addressesByInterface } from './own-addresses.ts';

export interface OwnEnd {
  readonly address: string;
  /** Absent where several interfaces have the address. */
  readonly interface?: string;
}

/** Any port: a connected datagram socket only looks the route up. */
const PORT = 9;

/** Undefined where no route leads to the address. */
export async function findOwnEnd(peer: string): Promise<OwnEnd | undefined> {
  let socket: ReturnType<typeof newUdpSocket> | undefined;
  try {
    socket = newUdpSocket(isIPv6(peer) ? 6 : 4);
    const connected = once(socket, 'connect');
    socket.connect(PORT, peer);
    await connected;
    const { address } = socket.address();
    const owners = Object.entries(addressesByInterface() ?? {}).filter(([, own = []]) =>
      own.some((one) => one.address === address),
    );
    const [[name] = []] = owners;
    return owners.length === 1 && name !== undefined ? { address, interface: name } : { address };
  } catch {
    return undefined;
  } finally {
    socket?.close();
  }
}
