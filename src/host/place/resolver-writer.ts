/** Which program writes /etc/resolv.conf: the file that it is a link to says so, or the comments at its head. */

import type { Paths } from '../../core/paths.ts';
import { linkIn, readTextIn } from '../fs/in-root.ts';

export const RESOLV_CONF = '/etc/resolv.conf';

export interface ResolverWriter {
  readonly name: string;
  /** Where a person sets what it writes, after "set it". */
  readonly where: string;
}

const WRITERS: readonly (readonly [mark: RegExp, writer: ResolverWriter])[] = [
  [
    /systemd[/-]resolve/,
    {
      name: 'systemd-resolved',
      where:
        'where the network is configured (netplan, NetworkManager, /etc/systemd/resolved.conf)',
    },
  ],
  [
    /NetworkManager/,
    { name: 'NetworkManager', where: 'in the connection of NetworkManager (nmcli, nmtui)' },
  ],
  [
    /resolvconf/,
    {
      name: 'resolvconf',
      where: 'in /etc/network/interfaces or /etc/resolvconf/resolv.conf.d',
    },
  ],
  [/dhcpcd/, { name: 'dhcpcd', where: 'in /etc/dhcpcd.conf' }],
];

export async function readResolverWriter(paths: Paths): Promise<ResolverWriter | undefined> {
  const [link = '', text] = await Promise.all([
    linkIn(paths, RESOLV_CONF).catch(() => undefined),
    readTextIn(paths, RESOLV_CONF).catch(() => ''),
  ]);
  const comments = text.split('\n').filter((line) => /^\s*[#;]/.test(line));
  const marks = [link, ...comments].join('\n');
  return WRITERS.find(([mark]) => mark.test(marks))?.[1];
}
