/** Can a host and port be reached: does the name resolve, and is the connection accepted? */
import type { Clock } from '../../core/clock.ts';
import type { Paths } from '../../core/paths.ts';
import type { HostPort } from '../../core/target.ts';
import { dialLikeGo } from './dial.ts';
import { resolveLikeGo } from '../dns/resolver.ts';

export interface Reachability {
  readonly kind: 'open' | 'no-name' | 'no-connection';
  /** The addresses or servers that were tried and the result of each, as evidence. */
  readonly evidence: string;
}

export interface ReachabilityDeps {
  readonly paths: Paths;
  readonly clock: Clock;
  /** A deadline in it ends the check with the result so far. */
  readonly signal: AbortSignal;
  readonly timeoutSeconds: number;
  readonly read?: (path: string) => Promise<string | undefined>;
}

export async function checkReachability(
  { host, port }: HostPort,
  deps: ReachabilityDeps,
): Promise<Reachability> {
  const { addresses, queries, source } = await resolveLikeGo(host, deps);
  if (addresses.length === 0) {
    const ends = queries.map(({ server, outcome }) => `${server} ${outcome}`);
    const said = ends.length === 0 ? 'no query was sent' : [...new Set(ends)].join(', ');
    return { kind: 'no-name', evidence: `${host}: ${said}` };
  }
  const { socket, attempts } = await dialLikeGo(addresses, port, deps);
  socket?.destroy();
  const ends = attempts.map(({ address, outcome }) => `${address.address}:${port} ${outcome}`);
  const said = `${host} (${source}): ${ends.join(', ')}`;
  return { kind: socket === undefined ? 'no-connection' : 'open', evidence: said };
}
