/**
 * A link reports what it observed; another check at the same time may give a more exact reason. Each refinement uses
 * one more check and returns a narrower cause, or nothing. The first one that does wins.
 */
import type { CheckState } from '../../core/check.ts';
import type { EndpointTarget } from '../../core/target.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { byPatience } from './refine-patience.ts';
import type { Refined, Refinement } from './refinement.ts';
import { byDoubtedName } from './refine-dns.ts';
import { byAlternatePath, byProxyCertificate, byUnparsableProxy } from './refine-proxy.ts';
import { byFamily, byFirewall, byPacketLoss } from './refine-network.ts';
import {
  byAlternation,
  byBootTime,
  byClientCertificate,
  byLateHandshake,
  byOpenApi,
  byThrottle,
  byWorkingPolls,
} from './refine-web.ts';

const REFINEMENTS: readonly Refinement[] = [
  byFirewall,
  byUnparsableProxy,
  byDoubtedName,
  byAlternatePath,
  byProxyCertificate,
  byPacketLoss,
  byFamily,
  byAlternation,
  byClientCertificate,
  byBootTime,
  byOpenApi,
  byThrottle,
  byWorkingPolls,
  byLateHandshake,
  byPatience,
];

export function refineCause(
  link: CheckState,
  endpoint: EndpointTarget,
  indexed: SnapshotIndex,
): Refined | undefined {
  for (const refine of REFINEMENTS) {
    const found = refine(link, endpoint, indexed);
    if (found !== undefined) return found;
  }
  return undefined;
}
