/** The runner's own way to a host, for requests of Node: its name resolution, and every address that this finds. */
import type { Socket } from 'node:net';

import type { Dial } from '../../host/net/network.ts';
import type { ResolveOptions } from '../dns/resolver.ts';
import { resolveLikeGo } from '../dns/resolver.ts';
import { dialLikeGo } from './dial.ts';

/** With the code that a socket of Node would have. */
class DialError extends Error {
  readonly code: string;

  constructor(host: string, code: string) {
    super(`${host} is not reached: ${code}`);
    this.code = code;
  }
}

const CODES: Readonly<Record<string, string>> = { timeout: 'ETIMEDOUT', abandoned: 'ETIMEDOUT' };

/** All addresses together have this time. */
export function dialerLikeGo(deps: ResolveOptions & { readonly timeoutSeconds: number }): Dial {
  return async (host, port): Promise<Socket> => {
    const { addresses, queries } = await resolveLikeGo(host, deps);
    if (addresses.length === 0) {
      // What this program lacks is no fault of the name.
      const isOurs = queries.some(({ outcome }) => outcome === 'local-error');
      throw new DialError(host, isOurs ? 'EAI_SYSTEM' : 'ENOTFOUND');
    }
    const { socket, attempts } = await dialLikeGo(addresses, port, deps);
    if (socket !== undefined) return socket;
    // As in Go, the error of the first address counts.
    const outcome = attempts[0]?.outcome ?? 'abandoned';
    throw new DialError(host, CODES[outcome] ?? outcome);
  };
}
