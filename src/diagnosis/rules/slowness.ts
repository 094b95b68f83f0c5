/** Is a slow link slow, or was it slow once? By the median of the last looks. */
import type { CheckState } from '../../core/check.ts';
import { hasReason } from '../snapshot-index.ts';

/** So many looks are looked at together; one lost packet is not a slow server. */
const LOOKS = 5;

const MEASURES: Readonly<Record<string, string>> = {
  dns: 'lookup_seconds',
  http: 'response_seconds',
};

/** A slow look among fast ones: the median of the last ones is within the limit. */
export function isPassingSlowness(state: CheckState): boolean {
  const { check, recent } = state;
  const measure = MEASURES[check.probe.id];
  if (measure === undefined || !hasReason(state, 'slow')) return false;
  const seconds = recent
    .slice(-LOOKS)
    .flatMap(({ finding }) => finding.measures?.[measure] ?? [])
    .toSorted((a, b) => a - b);
  const median = seconds[Math.floor((seconds.length - 1) / 2)];
  return median !== undefined && median <= Number(check.options['slow_seconds']);
}
