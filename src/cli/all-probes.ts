/** The full list of checks: the probes with their follow-ups. All users of the list read this one. */
import { withFollowUps } from '../core/follow-up.ts';
import { FOLLOW_UPS } from '../follow-ups/index.ts';
import { PROBES } from '../probes/index.ts';

export const ALL_PROBES = withFollowUps(PROBES, FOLLOW_UPS);
