/** The list of follow-ups: one line each, in the order in which those of one link are tried. */
import type { FollowUp } from '../core/follow-up.ts';
import { alternatePath } from './alternate-path.ts';
import { cLibrary } from './c-library.ts';
import { dnsCrossCheck } from './dns-cross-check.ts';
import { firewall } from './firewall.ts';
import { furtherNameServers } from './further-name-servers.ts';
import { otherAddresses } from './other-addresses.ts';
import { otherRoot } from './other-root.ts';
import { packetLoss } from './packet-loss.ts';
import { proxiedAddress } from './proxied-address.ts';

export const FOLLOW_UPS: readonly FollowUp[] = [
  dnsCrossCheck,
  proxiedAddress,
  cLibrary,
  furtherNameServers,
  packetLoss,
  otherAddresses,
  otherRoot,
  alternatePath,
  firewall,
];
