/**
 * The order of blame: what stops the runner from asking at all, then what breaks every system call, then
 * the clock, the path from its first link to its last, then the token, then what only hurts, then ourselves.
 */
import type { Cause } from '../../core/diagnosis.ts';
import type { Picture } from '../picture.ts';
import { clockCauses } from './clock.ts';
import { configCauses } from './config.ts';
import { blindCauses, brokenDiskCauses, processCauses, resourceCauses } from './host.ts';
import { pathCauses } from './path.ts';
import { tokenCauses } from './token.ts';

export const RULES: readonly ((picture: Picture) => readonly Cause[])[] = [
  configCauses,
  processCauses,
  brokenDiskCauses,
  clockCauses,
  pathCauses,
  tokenCauses,
  resourceCauses,
  blindCauses,
];
