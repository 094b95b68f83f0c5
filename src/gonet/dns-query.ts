/**
 * One question to one name server. Takes no thread-pool slot (c-ares over its own sockets), and ends at
 * its deadline: the timer is ours, because the library's own one was measured to run eight times over.
 */
import { Resolver } from 'node:dns/promises';
import { isIPv6 } from 'node:net';

import { DeadlineError, deadlineOf, withSignal } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import { isErrno } from '../core/errno.ts';

export type Outcome =
  | 'answer'
  | 'nxdomain'
  | 'nodata'
  | 'servfail'
  | 'refused'
  | 'timeout'
  | 'connection-refused'
  | 'malformed';

export interface Query {
  readonly name: string;
  readonly server: string;
  readonly type: 'A' | 'AAAA';
  readonly outcome: Outcome;
  readonly addresses: readonly string[];
  readonly seconds: number;
}

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  ENOTFOUND: 'nxdomain',
  ENODATA: 'nodata',
  ESERVFAIL: 'servfail',
  EREFUSED: 'refused',
  ENOTIMP: 'servfail',
  EFORMERR: 'servfail',
  ETIMEOUT: 'timeout',
  ECANCELLED: 'timeout',
  ECONNREFUSED: 'connection-refused',
};

export interface Question {
  readonly name: string;
  readonly server: string;
  readonly port: number;
  readonly type: 'A' | 'AAAA';
  readonly timeoutSeconds: number;
}

/** Asks once. A deadline in `signal` is a timeout; it rejects only when `signal` aborts for another reason. */
export async function ask(question: Question, clock: Clock, signal: AbortSignal): Promise<Query> {
  const { name, server, port, type, timeoutSeconds } = question;
  const start = clock.seconds();
  const resolver = new Resolver({ timeout: Math.ceil(timeoutSeconds * 1000), tries: 1 });
  using deadline = deadlineOf(timeoutSeconds, signal);
  const ended = (outcome: Outcome, addresses: readonly string[] = []): Query => ({
    name,
    server,
    type,
    outcome,
    addresses,
    seconds: clock.seconds() - start,
  });
  try {
    resolver.setServers([isIPv6(server) ? `[${server}]:${port}` : `${server}:${port}`]);
    const answer = type === 'A' ? resolver.resolve4(name) : resolver.resolve6(name);
    const addresses = await withSignal(answer, deadline.signal);
    return ended('answer', addresses);
  } catch (error) {
    if (error instanceof DeadlineError) return ended('timeout');
    if (signal.aborted) throw error;
    return ended((isErrno(error) ? OUTCOMES[error.code ?? ''] : undefined) ?? 'malformed');
  } finally {
    resolver.cancel();
  }
}
