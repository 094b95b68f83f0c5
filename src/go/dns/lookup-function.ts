/** The runner's name resolution as a `lookup` function of Node's sockets, so that no connection asks libc. */
import type { LookupFunction } from 'node:net';

import type { ResolveOptions } from './resolver.ts';
import { resolveLikeGo } from './resolver.ts';

class NotFoundError extends Error {
  readonly code = 'ENOTFOUND';
}

export function lookupLikeGo(deps: ResolveOptions): LookupFunction {
  return (name, { all }, callback) => void lookUp(name, all === true, deps, callback);
}

async function lookUp(
  name: string,
  all: boolean,
  deps: ResolveOptions,
  callback: Parameters<LookupFunction>[2],
): Promise<void> {
  const found = await resolveLikeGo(name, deps).catch(() => undefined);
  const [first, ...others] = found?.addresses ?? [];
  if (first === undefined) callback(new NotFoundError(`${name} has no address`), '');
  else if (all) callback(null, [first, ...others]);
  else callback(null, first.address, first.family);
}
