/** Everything that is checked: the probes with their follow-ups. What reads the list reads this one. */
import { withFollowUps } from '../core/follow-up.ts';
import { FOLLOW_UPS } from '../follow-ups/index.ts';
import { PROBES } from '../probes/index.ts';

export const ALL_PROBES = withFollowUps(PROBES, FOLLOW_UPS);
