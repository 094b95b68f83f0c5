/**
 * Is this host's clock wrong, and is a valid certificate or token rejected because of it? Judged by the Date header of
 * responses; a path without responses says nothing about the clock.
 */
import type { CheckState } from '../../core/check.ts';
import { MAX_HARMLESS_SKEW_SECONDS } from '../../core/clock.ts';
import type { Cause } from '../../core/diagnosis.ts';
import type { CheckId, Finding } from '../../core/finding.ts';
import { dataOf } from '../../core/finding-data.ts';
import { VALIDITY } from '../../go/tls/handshake-facts.ts';
import { buildCause, requireCause } from '../build-cause.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { hasReason } from '../snapshot-index.ts';

interface Skewed {
  readonly states: readonly [CheckState, ...CheckState[]];
  /** The smallest of all, so that none counts too much. */
  readonly seconds: number;
}

export function clockCauses(indexed: SnapshotIndex): readonly Cause[] {
  const skewed = skewOf(indexed);
  if (skewed === undefined) return [];
  const { states, seconds } = skewed;
  const now = indexed.snapshot.takenAt + seconds * 1000;
  const [victim, ...others] = [...indexed.statesOf('tls'), ...indexed.statesOf('token')].filter(
    (state) => isVictim(state, now),
  );
  const common = { spec: requireCause('clock-skew'), scopeId: 'host', facts: { skew: seconds } };
  const { runners } = indexed.context;
  if (victim === undefined) {
    const cause = buildCause(indexed, { ...common, states, runners });
    return [{ ...withDates(cause, states), ...historyOf(states) }];
  }
  const victims = [victim, ...others];
  const cause = buildCause(indexed, {
    ...common,
    severity: 'critical',
    states: [victim, ...others, ...states],
    runners: runners.filter(({ id, endpoint }) =>
      victims.some(({ check }) => [id, endpoint].includes(check.target.id)),
    ),
    explains: [...victims, ...victims.flatMap((state) => followUpsOf(state, indexed))].map(
      ({ check }) => check.id,
    ),
  });
  return [withDates(cause, states)];
}

/** Follow-ups of the rejection belong to the same cause. */
function followUpsOf({ check }: CheckState, indexed: SnapshotIndex): readonly CheckState[] {
  return indexed.followUpsOf(check.target.id).filter(({ finding }) => finding.status === 'warn');
}

/** The check passes all the time: the skew is in its last results. Two responses confirm it. */
function historyOf(states: readonly CheckState[]): Pick<Cause, 'since' | 'confidence'> | undefined {
  const skewedResults = states.flatMap(({ recent }) =>
    recent.slice(recent.findLastIndex(({ finding }) => !isSkewed(finding)) + 1),
  );
  if (skewedResults.length === 0) return undefined;
  return {
    since: Math.min(...skewedResults.map(({ startedAt }) => startedAt)),
    confidence: skewedResults.length > 1 ? 'confirmed' : 'suspected',
  };
}

function isSkewed(finding: Finding): boolean {
  return Math.abs(skewIn(finding) ?? 0) > MAX_HARMLESS_SKEW_SECONDS;
}

/** From the response of a link, or from the follow-up after a certificate was rejected for its dates. */
function skewIn({ measures }: Finding): number | undefined {
  return measures?.['clock_skew_seconds'] ?? measures?.['date_skew_seconds'];
}

/** All responses agree that this clock is wrong, in the same direction; otherwise the servers differ. */
function skewOf(indexed: SnapshotIndex): Skewed | undefined {
  const known = indexed.snapshot.checks.flatMap((state) => {
    const seconds = skewIn(state.finding);
    return seconds === undefined ? [] : [{ state, seconds }];
  });
  const least = known.toSorted((a, b) => Math.abs(a.seconds) - Math.abs(b.seconds))[0];
  if (least === undefined || Math.abs(least.seconds) <= MAX_HARMLESS_SKEW_SECONDS) return undefined;
  if (known.some(({ seconds }) => Math.sign(seconds) !== Math.sign(least.seconds)))
    return undefined;
  const [first = least.state, ...others] = known.map(({ state }) => state);
  return { states: [first, ...others], seconds: least.seconds };
}

/** Rejected for its dates by this host's clock, but valid by the clock of the servers. */
function isVictim(state: CheckState, now: number): boolean {
  const { notBefore = Infinity, notAfter = -Infinity } = dataOf(state.finding, VALIDITY) ?? {};
  const measured = (name: string): number => (state.finding.measures?.[name] ?? -Infinity) * 1000;
  if (hasReason(state, 'not-yet-valid')) return notBefore <= now;
  if (state.check.probe.id === 'token')
    return hasReason(state, 'expired') && measured('expiry_timestamp_seconds') > now;
  if (hasReason(state, 'intermediate-expired'))
    return measured('chain_not_after_timestamp_seconds') > now;
  return hasReason(state, 'expired') && notAfter > now;
}

/** The check that got the response passes; the difference is the proof. */
function withDates(cause: Cause, states: readonly CheckState[]): Cause {
  const texts = new Map<CheckId, string>(
    states.map(({ check, finding }) => [
      check.id,
      `the Date header of GitLab's response differs from this host's clock by ${skewIn(finding) ?? 0} s`,
    ]),
  );
  const evidence = cause.evidence.map((item) => ({
    ...item,
    text: texts.get(item.check) ?? item.text,
  }));
  return { ...cause, evidence };
}
