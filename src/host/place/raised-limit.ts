/** The limit that a fix sets: at least twice the present one, and never less than what a runner usually needs. */
import type { Limit } from '../../core/place.ts';

const GIBIBYTE = 1024 ** 3;
/** Files, tasks, bytes, cores. */
const USUAL: Readonly<Record<Limit, number>> = {
  files: 65_536,
  tasks: 16_384,
  memory: 4 * GIBIBYTE,
  cpu: 2,
};

export function raisedLimit(limit: Limit, present = 0): number {
  return Math.max(USUAL[limit], Math.ceil(present * 2));
}

/** As systemd writes it: `8G`, `400%`. */
export function raisedLimitText(limit: Limit, present?: number): string {
  const raised = raisedLimit(limit, present);
  if (limit === 'memory') return `${Math.ceil(raised / GIBIBYTE)}G`;
  return limit === 'cpu' ? `${Math.ceil(raised * 100)}%` : String(raised);
}
