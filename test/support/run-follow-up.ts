/** Runs one follow-up as the walk does, after one finding of one link; records which reason was seen. */
import type { FollowUpMemory } from '../../src/checks/follow-up.ts';
import { faultOf, runFollowUp, subjectOf } from '../../src/checks/follow-up.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Finding, ProbeResult } from '../../src/core/finding.ts';
import type { FollowUp } from '../../src/core/follow-up.ts';
import { idleFinding, reviseFinding } from '../../src/core/follow-up.ts';
import type { LinkTools } from '../../src/core/probe.ts';
import type { EndpointTarget, RunnerTarget } from '../../src/core/target.ts';
import { check, ENDPOINT, probe } from './probes.ts';
import { toolsIn } from './places.ts';
import { unlimitedBudget } from './run-probe.ts';
import { recordReason } from './recorded-reasons.ts';
import { patient, PATIENCE_MILLISECONDS } from './until.ts';

export interface After {
  readonly link: string;
  readonly finding: Finding;
  /** The finding to be made more exact; by default that of the link. */
  readonly base?: Finding;
  readonly target?: EndpointTarget;
  readonly tools?: Partial<LinkTools>;
  /** The entries whose token fails. */
  readonly runners?: readonly RunnerTarget[];
  /** Earlier results of the link. */
  readonly recent?: readonly ProbeResult[];
  /** The memory of the walk; each run has its own by default. */
  readonly memory?: FollowUpMemory;
}

/** The finding that holds afterwards: its own, or that of the link which it revises. */
export async function followUp(one: FollowUp, after: After): Promise<Finding> {
  const { link, finding, target = ENDPOINT, recent = [], memory = new Map() } = after;
  const { id, revises } = one;
  const base = revises === undefined ? idleFinding(one) : (after.base ?? finding);
  const due = faultOf(one, link, finding);
  if (due === undefined) return base;
  const fault = { ...due, ...(after.runners === undefined ? {} : { runners: after.runners }) };
  const tools = {
    clock: systemClock,
    signal: patient(),
    walk: {},
    budget: unlimitedBudget,
    ...after.tools,
    ...toolsIn(after.tools ?? {}),
    fault,
    recent,
  };
  const timeoutSeconds = PATIENCE_MILLISECONDS / 1000;
  const planned = {
    followUp: { ...one, timeoutSeconds },
    target,
    check: check(probe({ id, timeoutSeconds }), target),
  };
  const subject = subjectOf(planned, tools, memory);
  if (subject === undefined) return base;
  const found = reviseFinding(base, await runFollowUp(planned, subject, tools, memory));
  recordReason(revises ?? id, found);
  return found;
}
