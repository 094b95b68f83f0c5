/**
 * The order of blame: what stops the runner from asking at all, then what breaks every system call, then
 * the clock, the path from its first link to its last, then the token, then what only hurts, then ourselves.
 */
import type { Cause } from '../../core/diagnosis.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { clockCauses } from './clock.ts';
import { configCauses } from './config.ts';
import { executorCauses } from './executor.ts';
import { blindCauses, brokenDiskCauses, resourceCauses } from './host.ts';
import { breakingLimitCauses, slowingLimitCauses } from './limits.ts';
import { lintCauses } from './lint.ts';
import { pathCauses } from './path.ts';
import { recordCauses } from './record.ts';
import { disabledCauses } from './runner-disabled.ts';
import { jobCauses } from './runner-jobs.ts';
import { pollCauses } from './runner-polls.ts';
import { runnerProcessCauses } from './runner-process.ts';
import { rotationCauses } from './runner-token.ts';
import { versionCauses } from './runner-version.ts';
import { tokenCauses } from './token.ts';

export const RULES: readonly ((indexed: SnapshotIndex) => readonly Cause[])[] = [
  configCauses,
  lintCauses,
  runnerProcessCauses,
  disabledCauses,
  breakingLimitCauses,
  brokenDiskCauses,
  clockCauses,
  pathCauses,
  pollCauses,
  rotationCauses,
  tokenCauses,
  recordCauses,
  executorCauses,
  jobCauses,
  resourceCauses,
  slowingLimitCauses,
  versionCauses,
  blindCauses,
];
