/** How a name lookup and a dial went: what the first links of the path leave to the follow-ups. */
import type { Address } from './probe.ts';

export type RecordType = 'A' | 'AAAA';

/** What the reply of a name server says. */
export type Verdict =
  | 'answer'
  | 'nxdomain'
  | 'nodata'
  | 'servfail'
  | 'refused'
  | 'misbehaving'
  | 'lame'
  | 'malformed';

/**
 * `no-route`: the kernel has no route to the server, or a route that rejects it. `unreachable`: a neighbour or a
 * router reports it. `prohibited`: this host does not let the query out.
 */
export type Outcome =
  | Verdict
  | 'timeout'
  | 'connection-refused'
  | 'no-route'
  | 'unreachable'
  | 'prohibited'
  | 'local-error';

export interface Query {
  readonly name: string;
  readonly server: string;
  readonly type: RecordType;
  /** That of the last conversation: TCP after an answer that was cut short. */
  readonly transport: 'udp' | 'tcp';
  readonly outcome: Outcome;
  readonly addresses: readonly string[];
  readonly seconds: number;
}

export interface Resolution {
  /** As the caller gave it. */
  readonly name: string;
  /** In the order in which Go dials them; empty when the lookup failed. */
  readonly addresses: readonly Address[];
  readonly source: 'literal' | 'hosts' | 'dns' | 'none';
  /** Of resolv.conf, also when the hosts file made asking them needless. */
  readonly servers: readonly string[];
  /** resolv.conf names no server, so port 53 of this host is asked. */
  readonly isFallback: boolean;
  /** What nsswitch.conf keeps from the runner: the hosts file, although it has the name, or DNS. */
  readonly disabled?: 'files' | 'dns';
  /** The queried names, with the search list applied. */
  readonly names: readonly string[];
  /** Every question and its end, as evidence. */
  readonly queries: readonly Query[];
}

/** One address that was dialled. */
export interface Attempt {
  readonly address: Address;
  /** `ok`, `timeout`, `abandoned` (another address was faster), `invalid port` or the errno. */
  readonly outcome: string;
  readonly seconds: number;
}
