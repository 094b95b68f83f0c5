/** Whether a change is about the same thing as a cause: its place, its entries, the names and addresses on their path. */
import { BlockList, isIP } from 'node:net';
import { join } from 'node:path';

import { withoutBrackets } from '../../core/address.ts';
import type { Change, ChangedLine } from '../../core/change.ts';
import type { CheckState, Snapshot } from '../../core/check.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { RunnerContext } from '../../core/host-context.ts';
import type { EndpointTarget } from '../../core/target.ts';

/** What a cause is about. */
export interface Subject {
  readonly context: RunnerContext;
  /** Names of its entries; all of the installation for a cause of the host. */
  readonly entries: ReadonlySet<string>;
  /** Names on their path: GitLab and the proxy. */
  readonly hosts: ReadonlySet<string>;
  /** Their CA files and client certificates. */
  readonly files: ReadonlySet<string>;
  /** Addresses that the names resolve to now; empty while they do not resolve. */
  readonly addresses: ReadonlySet<string>;
  /** All addresses on their path, name servers too. */
  readonly peers: ReadonlySet<string>;
}

/** The checks by their target: looked up for each cause. */
export type ChecksByTarget = ReadonlyMap<string, readonly CheckState[]>;

export function subjectOf(
  { scope }: Cause,
  { hostContext }: Snapshot,
  checksByTarget: ChecksByTarget,
): Subject {
  const { contexts } = hostContext;
  const ids = new Set(scope.runners);
  const context =
    contexts.find(({ runners }) => runners.some(({ id }) => ids.has(id))) ?? contexts[0];
  const own = context.runners.filter(({ id }) => ids.size === 0 || ids.has(id));
  const used = new Set(own.map(({ endpoint }) => endpoint));
  const endpoints = context.endpoints.filter(({ id }) => used.has(id) || own.length === 0);
  const facts = endpoints
    .flatMap(({ id }) => checksByTarget.get(id) ?? [])
    .flatMap(({ finding }) => Object.entries(finding.facts ?? {}));
  return {
    context,
    entries: new Set(own.map(({ name }) => name)),
    hosts: new Set(endpoints.flatMap((endpoint) => hostsOf(endpoint))),
    files: new Set(endpoints.flatMap((endpoint) => filesOf(endpoint))),
    addresses: new Set(
      facts.flatMap(([name, value]) => (name === 'addresses' ? addressesIn(String(value)) : [])),
    ),
    peers: new Set(facts.flatMap(([, value]) => addressesIn(String(value)))),
  };
}

function hostsOf({ url, proxy }: EndpointTarget): readonly string[] {
  const proxies = proxy.kind === 'proxy' ? [proxy.host.toLowerCase()] : [];
  return [withoutBrackets(url.hostname).toLowerCase(), ...proxies];
}

function filesOf({ trust, url }: EndpointTarget): readonly string[] {
  const { caFile, certFile, certsDirectory, certsHost, systemFile } = trust;
  const own = caFile ?? join(certsDirectory, `${certsHost ?? url.hostname}.crt`);
  return [own, certFile, systemFile].filter((path) => path !== undefined);
}

function addressesIn(text: string): readonly string[] {
  return text.split(/[\s,;()[\]]+/).filter((word) => isIP(word) !== 0);
}

/** The lines of a change that are about the subject. */
export interface ConcernedLines {
  readonly removed: readonly ChangedLine[];
  readonly added: readonly ChangedLine[];
}

/** Undefined where the change is about something else. */
export function concernOf(change: Change, subject: Subject): ConcernedLines | undefined {
  const { removed = [], added = [] } = change;
  const isOwn = ownLine(change, subject);
  const lines = {
    removed: removed.filter((line) => isOwn(line)),
    added: added.filter((line) => isOwn(line)),
  };
  const hadLines = removed.length + added.length > 0;
  const hasLines = lines.removed.length + lines.added.length > 0;
  return hadLines && !hasLines ? undefined : lines;
}

function ownLine({ kind }: Change, subject: Subject): (line: ChangedLine) => boolean {
  if (kind === 'hosts-file')
    return ({ key }) => namesOf(key).some((name) => subject.hosts.has(name));
  if (kind === 'routes')
    return ({ key }) => [...subject.peers].some((peer) => isOnRoute(peer, key));
  // A line above the first entry is of all of them.
  return ({ entry }) => entry === undefined || subject.entries.has(entry);
}

function namesOf(line: string): readonly string[] {
  return line.toLowerCase().split(' ').slice(1);
}

/** Whether a route of `10.0.0.0/8 via 10.0.0.1 dev eth0` leads to an address. */
export function isOnRoute(address: string, route: string): boolean {
  const [, prefix = '', bits = ''] =
    /(?:^|\s)(?<prefix>[\da-f:.]+)\/(?<bits>\d+)/.exec(route) ?? [];
  if (isIP(prefix) === 0 || isIP(prefix) !== isIP(address)) return false;
  const family = isIP(prefix) === 6 ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  list.addSubnet(prefix, Number(bits), family);
  return list.check(address, family);
}

/** What belongs to one place is nothing of another one's. */
export function isOfPlace({ place }: Change, { context }: Subject): boolean {
  return place === undefined || place === context.place.id;
}

/** Of kinds whose file is one of several: whether the subject uses it. */
export function usesFile({ kind, path }: Change, { files }: Subject): boolean {
  const isOfOne = kind === 'ca-file' || kind === 'client-certificate';
  return !isOfOne || path === undefined || files.has(path);
}
