/**
 * A link fails because the name leads to a wrong address, on this host or at its proxy; another address of the same name passes
 * that link.
 */
import { isBroken } from '../../core/check.ts';
import type { CheckState } from '../../core/check.ts';
import { reasonOf } from '../../core/finding.ts';
import { specOfReason } from '../catalogue/index.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { factsOf, hasReason } from '../snapshot-index.ts';
import { doubtsOf, isDoubt, isTokenDoubt, triedRunnersOf } from './name-doubts.ts';
import { isAlternating, mayBeRestarting } from './refine-web.ts';
import type { Refinement } from './refinement.ts';
import { penaltyOf } from './runner-disabled.ts';

export const byDoubtedName: Refinement = (link, endpoint, indexed) => {
  if (isTokenDoubt(link)) return ofTokens(link, indexed);
  if (!isBroken(link)) return undefined;
  const doubt = doubtsOf(endpoint.id, indexed).find(
    (one) => isMisled(link, one) && !isPassing(link, one, indexed),
  );
  return doubt && ofDoubt(doubt);
};

function ofDoubt(doubt: CheckState) {
  const spec = specOfReason(doubt.check.probe.id, reasonOf(doubt.finding) ?? '');
  if (spec === undefined) return undefined;
  return { spec, severity: spec.severity, facts: factsOf(doubt) };
}

const RECENT_SECONDS = 900;

/**
 * A token that is accepted now and then meets the right one of several addresses in turn: part of the polls succeed, unless
 * refusals in a row have disabled the entry.
 */
function ofTokens(doubt: CheckState, indexed: SnapshotIndex) {
  const since = indexed.snapshot.takenAt - RECENT_SECONDS * 1000;
  const tried = triedRunnersOf(doubt, indexed);
  const isLockedOut = tried.some((runner) => penaltyOf(indexed, runner) !== undefined);
  const isAccepted = tried
    .flatMap((runner) => indexed.tokenOf(runner)?.recent ?? [])
    .some(
      ({ finding, startedAt }) =>
        finding.status === 'pass' && startedAt > doubt.since && startedAt > since,
    );
  const found = ofDoubt(doubt);
  return isAccepted && !isLockedOut && hasReason(doubt, 'mixed-addresses')
    ? found && { ...found, severity: 'warning' as const }
    : found;
}

/** The failure of the link is one that a wrong address explains. */
function isMisled(link: CheckState, doubt: CheckState): boolean {
  const probe = link.check.probe.id;
  // An address of this host may belong to a program that is not GitLab; what answers CONNECT is a proxy.
  if (hasReason(doubt, 'sinkhole')) return probe !== 'proxy';
  if (!isDoubt(doubt)) return false;
  const isOfName = doubt.check.probe.id === 'dns';
  const isUnreached = probe === 'connect' || hasReason(link, 'unreachable');
  return (isOfName && isUnreached) || factsOf(doubt)['trial'] === probe;
}

/** The right machine may restart, or be one of several that take turns; another one works meanwhile. */
function isPassing(link: CheckState, doubt: CheckState, indexed: SnapshotIndex): boolean {
  const isOneOfSeveral = hasReason(doubt, 'mixed-addresses', 'other-server') && isAlternating(link);
  return isOneOfSeveral || mayBeRestarting(link, indexed);
}
