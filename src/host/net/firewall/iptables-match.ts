/** Whether the matches of a rule of iptables apply to a packet of a new connection of the runner, or to its answer. */
import { isIP } from 'node:net';

import { isLoopbackAddress } from '../../../core/address.ts';
import { isInAddressRange, isInNetwork } from './address-match.ts';
import type { Option } from './iptables.ts';
import type { Condition, Packet, Truth } from './ruleset.ts';
import { negate } from './ruleset.ts';

type Judge = (values: readonly string[], packet: Packet, option: Option) => Truth;

/** One for each option that narrows the rule; those of its target decide nothing. */
export function conditionsOf(options: readonly Option[]): readonly Condition[] {
  const end = options.findIndex(({ name }) => name === '-j' || name === '-g');
  const matches = end === -1 ? options : options.slice(0, end);
  const hasSupplementary = matches.some(({ name }) => name === '--suppl-groups');
  return matches.map((option): Condition => {
    const key = `${option.module ?? ''} ${option.name}`;
    const judge = hasSupplementary && option.name === '--gid-owner' ? byAnyGroup : JUDGES[key];
    if (option.name === '-m') return KNOWN_MODULES.has(option.values[0] ?? '') ? always : unknown;
    if (judge === undefined) return unknown;
    return (packet) => {
      const truth = judge(option.values, packet, option);
      return option.isNegated ? negate(truth) : truth;
    };
  });
}

const always: Condition = () => 'yes';
const unknown: Condition = () => 'perhaps';

/** Modules of which each option is judged by itself. */
const KNOWN_MODULES = new Set([
  'addrtype',
  'comment',
  'conntrack',
  'iprange',
  'multiport',
  'owner',
  'state',
  'tcp',
  'udp',
]);

const byPeerPort: Judge = ([ports = ''], { port }) => truthOf(isAmongPorts(ports, port));
const byOwnPort: Judge = ([ports = '']) => coversOwnPort(ports);

const ofSource =
  (ofPeer: Judge, ofOwn: Judge): Judge =>
  (values, packet, option) =>
    (packet.isAnswer === true ? ofPeer : ofOwn)(values, packet, option);
const ofDestination = (ofPeer: Judge, ofOwn: Judge): Judge => ofSource(ofOwn, ofPeer);

const notKnown: Judge = () => 'perhaps';

const ofAddress =
  (judge: (value: string, address: string) => Truth, end: 'peer' | 'own'): Judge =>
  ([value = ''], { address, own }) => {
    const judged = end === 'peer' ? address : own?.address;
    return judged === undefined ? 'perhaps' : judge(value, judged);
  };

function inNetwork(network: string, address: string): Truth {
  const [base = '', mask = ''] = network.split('/');
  const isPlain = isIP(base) !== 0 && /^\d+$/.test(mask);
  return isPlain ? truthOf(isInNetwork(address, base, Number(mask))) : 'perhaps';
}

function inRange(range: string, address: string): Truth {
  const [from = '', to = ''] = range.split('-');
  const isInside = isInAddressRange(address, from, to);
  return isInside === undefined ? 'perhaps' : truthOf(isInside);
}

const byPeerNetwork = ofAddress(inNetwork, 'peer');
const byOwnNetwork = ofAddress(inNetwork, 'own');
const byPeerRange = ofAddress(inRange, 'peer');
const byOwnRange = ofAddress(inRange, 'own');

const LOOPBACK = 'lo';

/** `eth+` is every name that begins so. */
function matchesName(pattern: string, name: string | undefined): Truth {
  if (name === undefined) return 'perhaps';
  return truthOf(pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : name === pattern);
}

const byInterface: Judge = ([pattern = ''], { address, leavesHost, own }) => {
  const name = isLoopbackAddress(address) ? LOOPBACK : own?.interface;
  const isLoopback = pattern === LOOPBACK;
  if (isLoopback && leavesHost === true) return 'no';
  if (name === undefined || (name !== LOOPBACK && leavesHost !== true)) return 'perhaps';
  return matchesName(pattern, name);
};

/** The way out has no incoming interface, the answer no outgoing one. */
const byInput: Judge = (values, packet, option) => {
  if (packet.passage !== undefined) return matchesName(values[0] ?? '', packet.passage.in);
  return packet.isAnswer === true ? byInterface(values, packet, option) : 'perhaps';
};
const byOutput: Judge = (values, packet, option) => {
  if (packet.passage !== undefined) return matchesName(values[0] ?? '', packet.passage.out);
  return packet.isAnswer === true ? 'perhaps' : byInterface(values, packet, option);
};

const PROTOCOLS: Readonly<Record<string, string>> = { 6: 'tcp', 17: 'udp' };

const byProtocol: Judge = ([name = ''], { protocol }) =>
  truthOf(name === 'all' || (PROTOCOLS[name] ?? name) === protocol);

const byState: Judge = ([states = ''], { isAnswer }) => {
  const all = states.split(',');
  if (all.includes(isAnswer === true ? 'ESTABLISHED' : 'NEW')) return 'yes';
  return all.some((state) => ['SNAT', 'DNAT', 'UNTRACKED'].includes(state)) ? 'perhaps' : 'no';
};

/** A packet that no process here sends has no owner; of an answer the kernel does not always know it. */
const ofOwner =
  (judge: (ids: string, packet: Packet) => Truth): Judge =>
  ([ids = ''], packet) => {
    if (packet.isAnswer === true) return 'perhaps';
    return packet.passage === undefined ? judge(ids, packet) : 'no';
  };

const byUser = ofOwner((users, { uid }) => isAmongIds(users, [uid]));
const byGroup = ofOwner((groups, { groups: own = [] }) => isAmongIds(groups, own.slice(0, 1)));
const byAnyGroup = ofOwner((groups, { groups: own = [] }) => isAmongIds(groups, own));

const byType: Judge = ([type], { address, leavesHost, passage }) => {
  const isOfHost = passage !== undefined && leavesHost === false;
  if (isOfHost || isLoopbackAddress(address)) return truthOf(type === 'LOCAL');
  if (leavesHost !== true || type !== 'LOCAL') return 'perhaps';
  return 'no';
};

/** Of `FIN,SYN,RST,ACK SYN`: the first packet has SYN alone, the answer ACK too. */
const byFlags: Judge = ([mask = '', set = ''], { isAnswer }) => {
  const present = isAnswer === true ? ['SYN', 'ACK'] : ['SYN'];
  const looked = mask.split(',');
  const wanted = set === 'NONE' ? [] : set.split(',');
  return truthOf(looked.every((flag) => present.includes(flag) === wanted.includes(flag)));
};

const sourcePort = ofSource(byPeerPort, byOwnPort);
const destinationPort = ofDestination(byPeerPort, byOwnPort);

const JUDGES: Readonly<Record<string, Judge>> = {
  ' -s': ofSource(byPeerNetwork, byOwnNetwork),
  ' -d': ofDestination(byPeerNetwork, byOwnNetwork),
  ' -i': byInput,
  ' -o': byOutput,
  ' -p': byProtocol,
  ' -f': () => 'no',
  'comment --comment': () => 'yes',
  'tcp --sport': sourcePort,
  'tcp --dport': destinationPort,
  'tcp --tcp-flags': byFlags,
  'udp --sport': sourcePort,
  'udp --dport': destinationPort,
  'multiport --sports': sourcePort,
  'multiport --dports': destinationPort,
  'multiport --ports': (values, packet, option) =>
    byPeerPort(values, packet, option) === 'yes' ? 'yes' : byOwnPort(values, packet, option),
  'owner --uid-owner': byUser,
  'owner --gid-owner': byGroup,
  'owner --suppl-groups': () => 'yes',
  'owner --socket-exists': ofOwner(() => 'yes'),
  'conntrack --ctstate': byState,
  'state --state': byState,
  'iprange --src-range': ofSource(byPeerRange, byOwnRange),
  'iprange --dst-range': ofDestination(byPeerRange, byOwnRange),
  'addrtype --src-type': ofSource(byType, notKnown),
  'addrtype --dst-type': ofDestination(byType, notKnown),
};

function truthOf(holds: boolean): Truth {
  return holds ? 'yes' : 'no';
}

const MAX_PORT = 65_535;

/** `80`, `400:500`, `80,443:450`. */
function portRanges(text: string): readonly (readonly [number, number])[] {
  return text.split(',').map((part) => {
    const [from = '', to = from] = part.split(':');
    return [Number(from), to === '' ? MAX_PORT : Number(to)];
  });
}

function isAmongPorts(text: string, port: number): boolean {
  return portRanges(text).some(([from, to]) => port >= from && port <= to);
}

const FIRST_FREE_PORT = 1024;

/** Our own port is one of those that any user may open. */
function coversOwnPort(text: string): Truth {
  const ranges = portRanges(text);
  if (ranges.some(([from, to]) => from <= FIRST_FREE_PORT && to === MAX_PORT)) return 'yes';
  return ranges.every(([, to]) => to < FIRST_FREE_PORT) ? 'no' : 'perhaps';
}

/** `999` or `900-999`; a name is not looked up. */
function isAmongIds(text: string, ids: readonly number[]): Truth {
  const { from, to = from } = /^(?<from>\d+)(?:-(?<to>\d+))?$/.exec(text)?.groups ?? {};
  if (from === undefined || ids.length === 0) return 'perhaps';
  return truthOf(ids.some((id) => id >= Number(from) && id <= Number(to)));
}
