/**
 * Name servers that the runner does not ask itself: those beyond the third line of resolv.conf, and those that the
 * resolver behind its only name server asks. Pure functions over texts of files.
 */
import { isIP } from 'node:net';

import { isLoopbackAddress } from '../../core/address.ts';
import { parseResolvConf } from './resolv-conf.ts';

/** The resolver that forwards queries from an address of this host, and the file that names its own servers. */
export interface Forwarder {
  readonly name: 'systemd-resolved' | "Docker's DNS server";
  readonly file: string;
  upstreamsOf(text: string): readonly string[];
}

const EXTERNAL = /^# ExtServers: \[(?<list>.*)\]/m;

const SYSTEMD: Forwarder = {
  name: 'systemd-resolved',
  file: '/run/systemd/resolve/resolv.conf',
  upstreamsOf: nameserversOf,
};
const DOCKER: Forwarder = {
  name: "Docker's DNS server",
  file: '/etc/resolv.conf',
  // Docker writes a comment: `# ExtServers: [host(10.0.0.2) 10.0.0.3]`.
  upstreamsOf: (text) => {
    const list = EXTERNAL.exec(text)?.groups?.['list'] ?? '';
    return addressesOf(list.split(/[\s()]+/));
  },
};
const FORWARDERS: Readonly<Record<string, Forwarder>> = {
  '127.0.0.53': SYSTEMD,
  '127.0.0.54': SYSTEMD,
  '127.0.0.11': DOCKER,
};

/** Undefined unless all servers are such addresses. */
export function forwarderOf(servers: readonly string[]): Forwarder | undefined {
  const [first, ...others] = servers.map((server) => FORWARDERS[server]);
  return others.every((other) => other === first) ? first : undefined;
}

/**
 * The servers that Docker's DNS server asks from the network of a container, by the resolv.conf of the container and of
 * its host; none where the container asks others. An older Docker does not name them: then they are those of the host.
 */
export function upstreamsInContainer(
  servers: readonly string[],
  ofContainer: string,
  ofHost: string,
): readonly string[] {
  if (forwarderOf(servers) !== DOCKER) return [];
  // `host(10.0.0.2)` is asked from the network of the host.
  const list = EXTERNAL.exec(ofContainer)?.groups?.['list']?.replaceAll(/host\([^)]*\)/g, '');
  const all = list === undefined ? nameserversOf(ofHost) : addressesOf(list.split(/\s+/));
  return all.filter((address) => !isLoopbackAddress(address));
}

/** Those that Docker says in the resolv.conf of a container to ask; undefined for an older Docker, which does not say it. */
export function upstreamsNamed(ofContainer: string): readonly string[] | undefined {
  return EXTERNAL.test(ofContainer) ? DOCKER.upstreamsOf(ofContainer) : undefined;
}

/** The servers of resolv.conf that Go and the C library never ask. */
export function ignoredServers(text: string): readonly string[] {
  const { servers } = parseResolvConf(text);
  return nameserversOf(text).filter((server) => !servers.includes(server));
}

function nameserversOf(text: string): readonly string[] {
  return addressesOf(
    text.split('\n').flatMap((line) => /^nameserver\s+(?<ip>\S+)/.exec(line)?.groups?.['ip'] ?? []),
  );
}

function addressesOf(words: readonly string[]): readonly string[] {
  return [...new Set(words.filter((word) => isIP(word) !== 0))];
}
