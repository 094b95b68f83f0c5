/** The rules that combine several checks, each with its position in the order of blame. */
import type { Cause } from '../../core/diagnosis.ts';
import type { Stage } from '../cause-spec.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { clockCauses } from './clock.ts';
import { configCauses } from './config.ts';
import { firewallUserCauses } from './firewall-user.ts';
import { blindCauses, fullDiskCauses } from './host.ts';
import { limitCauses } from './limits.ts';
import { lintCauses } from './lint.ts';
import { pathCauses } from './path.ts';
import { disabledCauses } from './runner-disabled.ts';
import { livenessProbeCauses } from './liveness-probe.ts';
import { localFaultCauses } from './runner-local-faults.ts';
import { jobCauses } from './runner-jobs.ts';
import { pollCauses } from './runner-polls.ts';
import { runnerProcessCauses } from './runner-process.ts';
import { rotationCauses } from './runner-token.ts';
import { versionCauses } from './runner-version.ts';
import { tokenCauses } from './token.ts';

export interface Rule {
  readonly stage: Stage;
  readonly judge: (indexed: SnapshotIndex) => readonly Cause[];
}

export const RULES: readonly Rule[] = [
  { stage: 'config', judge: configCauses },
  { stage: 'config', judge: lintCauses },
  { stage: 'process', judge: runnerProcessCauses },
  { stage: 'process', judge: disabledCauses },
  { stage: 'system', judge: limitCauses },
  { stage: 'system', judge: localFaultCauses },
  { stage: 'clock', judge: clockCauses },
  { stage: 'path', judge: pathCauses },
  { stage: 'path', judge: firewallUserCauses },
  { stage: 'polls', judge: pollCauses },
  { stage: 'polls', judge: rotationCauses },
  { stage: 'token', judge: tokenCauses },
  { stage: 'jobs', judge: jobCauses },
  { stage: 'jobs', judge: livenessProbeCauses },
  { stage: 'resources', judge: fullDiskCauses },
  { stage: 'version', judge: versionCauses },
  { stage: 'monitor', judge: blindCauses },
];
