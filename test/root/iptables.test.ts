/** Rules of iptables that the kernel itself keeps, in both of its variants, and which stops a packet. Needs root. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import type { Packet } from '../../src/host/net/firewall/ruleset.ts';
import type { Network } from '../support/network-namespace.ts';
import { createNetwork } from '../support/network-namespace.ts';
import type { BodyProcess } from '../support/run-body.ts';
import type { Found } from './iptables-bodies.ts';
import { findRule } from './iptables-bodies.ts';

const BODIES = new URL('iptables-bodies.ts', import.meta.url).href;
const GITLAB: Packet = {
  address: '10.200.0.2',
  protocol: 'tcp',
  port: 443,
  uid: 999,
  groups: [997, 20],
  leavesHost: true,
};
const FORGET_LEGACY =
  'for family in ip ip6; do for table in $(cat /proc/net/${family}_tables_names); do printf "*$table\\nCOMMIT\\n" | ${family}tables-legacy-restore; ${family}tables-legacy -P OUTPUT ACCEPT; done; done';

let network: Network;
let finder: BodyProcess<[Packet], Found>;

beforeAll(async () => {
  network = await createNetwork();
  finder = network.runner.startBody(BODIES, findRule);
});
afterEach(async () => {
  await network.runner.unfilter();
  await network.runner.exec('sh', '-c', FORGET_LEGACY);
});
afterAll(async () => {
  await finder[Symbol.asyncDispose]();
  await network[Symbol.asyncDispose]();
});

type Variant = 'legacy' | 'nft';

/** What these commands, without the name of the program, do to a packet. */
async function find(
  variant: Variant,
  commands: readonly string[],
  packet: Partial<Packet> = {},
): Promise<Found> {
  const all = { ...GITLAB, ...packet };
  const program = `${all.address.includes(':') ? 'ip6tables' : 'iptables'}-${variant}`;
  const script = commands.map((command) => `${program} ${command}`).join(' && ');
  await network.runner.exec('sh', '-c', script);
  return await finder.call(all);
}

describe.each(['legacy', 'nft'] as const)('iptables-%s', (variant) => {
  test.each([
    ['by address and port', ['-A OUTPUT -d 10.200.0.2 -p tcp --dport 443 -j DROP'], 'drop'],
    ['by several ports', ['-A OUTPUT -p tcp -m multiport --dports 80,440:450 -j DROP'], 'drop'],
    ['by the user', ['-A OUTPUT -m owner --uid-owner 999 -j DROP'], 'drop'],
    ['by users', ['-A OUTPUT -m owner --uid-owner 900-999 -j DROP'], 'drop'],
    ['by other users', ['-A OUTPUT -m owner ! --uid-owner 0 -j DROP'], 'drop'],
    ['by the group', ['-A OUTPUT -m owner --gid-owner 997 -j DROP'], 'drop'],
    ['by a further group', ['-A OUTPUT -m owner --gid-owner 20 --suppl-groups -j DROP'], 'drop'],
    ['by what it is not', ['-A OUTPUT -p tcp -m multiport ! --dports 22,53 -j DROP'], 'drop'],
    ['by its state', ['-A OUTPUT -m conntrack --ctstate NEW -j DROP'], 'drop'],
    ['by the older state', ['-A OUTPUT -m state --state NEW,RELATED -j DROP'], 'drop'],
    ['by a range', ['-A OUTPUT -m iprange --dst-range 10.200.0.1-10.200.0.9 -j DROP'], 'drop'],
    ['by the interface', ['-A OUTPUT -o lab -j DROP'], 'drop'],
    ['by interfaces', ['-A OUTPUT -o la+ -j DROP'], 'drop'],
    ['by the source', ['-A OUTPUT -s 10.200.0.1 -j DROP'], 'drop'],
    ['by its first packet', ['-A OUTPUT -p tcp --syn -j DROP'], 'drop'],
    ['by its own port', ['-A OUTPUT -p tcp --sport 1024:65535 -j DROP'], 'drop'],
    ['in another table', ['-t mangle -A OUTPUT -p tcp --dport 443 -j DROP'], 'drop'],
    ['after a log', ['-A OUTPUT -j LOG --log-prefix "a -j b"', '-A OUTPUT -j DROP'], 'drop'],
    [
      'in a chain that is jumped to',
      ['-N egress', '-A OUTPUT -j egress', '-A egress -p tcp -j DROP'],
      'drop',
    ],
    [
      'behind a goto',
      ['-N egress', '-A OUTPUT -g egress', '-A OUTPUT -j ACCEPT', '-P OUTPUT DROP'],
      'policy drop',
    ],
    ['with a rejection', ['-A OUTPUT -p tcp -j REJECT --reject-with tcp-reset'], 'reject'],
    ['by the answer', ['-A INPUT -s 10.200.0.2 -p tcp --sport 443 -j DROP'], 'drop'],
    ['by the policy', ['-A OUTPUT -p udp --dport 53 -j ACCEPT', '-P OUTPUT DROP'], 'policy drop'],
  ])('stops it %s', async (_, commands, verdict) => {
    expect(await find(variant, commands)).toMatchObject({ rule: { verdict }, unread: [] });
  });

  test.each([
    ['another port', ['-A OUTPUT -p tcp -m multiport --dports 80,8443 -j DROP']],
    ['another user', ['-A OUTPUT -m owner --uid-owner 998 -j DROP']],
    ['other users', ['-A OUTPUT -m owner ! --uid-owner 900-1000 -j DROP']],
    ['the group of another', ['-A OUTPUT -m owner --gid-owner 20 -j DROP']],
    ['another address', ['-A OUTPUT ! -d 10.200.0.0/16 -j DROP']],
    ['another interface', ['-A OUTPUT ! -o lab -j DROP']],
    ['another source', ['-A OUTPUT -s 10.200.0.9 -j DROP']],
    ['what is not new', ['-A OUTPUT -m conntrack ! --ctstate NEW -j DROP']],
    ['packets without SYN', ['-A OUTPUT -p tcp ! --syn -j DROP']],
    ['a rate', ['-A OUTPUT -m limit --limit 3/s -j DROP']],
    ['a text', ['-A OUTPUT -m string --string "-j DROP" --algo bm -j DROP']],
    ['an odd mask', ['-A OUTPUT -d 10.0.0.2/255.0.0.255 -j DROP']],
    [
      'packets that may have returned',
      [
        '-N egress',
        '-A OUTPUT -j egress',
        '-A egress -m mark --mark 1 -j RETURN',
        '-A egress -j DROP',
      ],
    ],
    ['packets after an accept', ['-A OUTPUT -o lab -j ACCEPT', '-A OUTPUT -j DROP']],
    [
      'packets of another address by then',
      [
        '-t nat -A OUTPUT -p tcp --dport 443 -j REDIRECT --to-ports 3128',
        '-A OUTPUT -d 10.200.0.2 -p tcp --dport 443 -j DROP',
      ],
    ],
    ['what no rule names', []],
  ])('does not stop %s', async (_, commands) => {
    expect(await find(variant, commands)).toEqual({ unread: [] });
  });

  test('names its rule as the command that made it', async () => {
    const comment = `an "egress" lock's $HOME`;
    const given = `-d 10.200.0.2/32 -p tcp -m multiport --dports 80,443 -m comment --comment ${quoted(comment)} -j REJECT`;
    const { rule } = await find(variant, [`-A OUTPUT ${given}`, `-A OUTPUT ${given}`]);

    expect(rule).toMatchObject({ program: `iptables-${variant}`, comment, copies: 2 });
    expect(rule?.location).toMatch(new RegExp(`^iptables-${variant} -A OUTPUT -d 10\\.200`));
    const remove = `iptables-${variant} -D OUTPUT ${rule?.specification}`;
    await network.runner.exec('sh', '-c', `${remove} && ${remove}`);
    expect(await find(variant, [])).toEqual({ unread: [] });
  });

  test('reads the rules of IPv6', async () => {
    const packet = { address: 'fd00:200::2' };
    const rule = '-A OUTPUT -d fd00:200::/64 -p tcp -m multiport --dports 443 -j REJECT';

    expect(await find(variant, [`${rule} --reject-with icmp6-no-route`], packet)).toMatchObject({
      rule: { program: `ip6tables-${variant}`, verdict: 'reject', saysNoRoute: true },
    });
  });

  test('says so when its program does not run', async () => {
    const hide = `mount --bind /dev/null /usr/sbin/xtables-${variant}-multi`;
    await find(variant, ['-A OUTPUT -p tcp -m multiport --dports 443 -j DROP']);
    await network.runner.exec('sh', '-c', hide);
    const found = await network.runner.run(BODIES, findRule, [GITLAB]);
    await network.runner.exec('umount', `/usr/sbin/xtables-${variant}-multi`);

    expect(found.rule).toBeUndefined();
    expect(found.unread[0]?.kind).toBe('unreadable');
  });
});

test('a user without the right is told so', async () => {
  await find('legacy', ['-A OUTPUT -p tcp -j DROP']);
  const prefix = ['setpriv', '--reuid=4321', '--regid=4321', '--clear-groups', '--'];

  const found = await network.runner.run(BODIES, findRule, [GITLAB], { prefix });
  expect(found.rule).toBeUndefined();
  expect(new Set(found.unread.map(({ kind }) => kind))).toEqual(new Set(['not-allowed']));
});

test('what no installed program shows is not taken for nothing', async () => {
  await find('legacy', ['-A OUTPUT -p tcp -j DROP']);
  const hide = 'mount -t tmpfs none /usr/sbin && exec "$@"';
  const prefix = ['unshare', '--mount', 'sh', '-c', hide, 'sh'];

  const found = await network.runner.run(BODIES, findRule, [GITLAB], { prefix });
  expect(found.rule).toBeUndefined();
  expect(found.unread.slice(0, 2)).toEqual([
    { kind: 'no-program', detail: expect.stringMatching(/^nft is not installed/) },
    { kind: 'no-program', detail: expect.stringMatching(/^iptables-legacy-save is not/) },
  ]);
});

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
