/** Compares the runner's own log with the report: both must agree. */
import { setTimeout as delay } from 'node:timers/promises';

import { MAX_POLL_MILLISECONDS } from './peers/runner-options.ts';
import type { FaultRow, HealthyRow } from './scenario.ts';
import type { World } from './world.ts';

/** The runner may have a poll in flight when the fault begins; the next poll meets the fault. */
const RUNNER_MILLISECONDS = MAX_POLL_MILLISECONDS + 120_000;
const PAUSE_MILLISECONDS = 250;
const TROUBLE = /Checking for jobs\.\.\. [a-zG]|Runner token is empty/;

/** The runner's log must confirm the fault that runnerwatch reports. */
export async function runnerContradictions(
  { runnerLogs, expect }: FaultRow,
  { runner }: World,
  from: number,
): Promise<readonly string[]> {
  const wanted = runnerLogs ?? (expect.severity === 'critical' ? TROUBLE : 'nothing');
  if (wanted === 'nothing') return [];
  const until = Date.now() + RUNNER_MILLISECONDS;
  while (Date.now() < until) {
    if (wanted.test((await runner.log()).slice(from))) return [];
    await delay(PAUSE_MILLISECONDS);
  }
  const logged = (await runner.log()).slice(from).trim().split('\n').at(-1) ?? '';
  return [`the runner logs no ${String(wanted)}, but "${logged}"`];
}

/** A row of health in which the runner itself suffers would prove nothing. */
export async function runnerSuffers(
  { runnerIsTroubled }: HealthyRow,
  { runner }: World,
): Promise<readonly string[]> {
  const logged = await runner.log();
  if (!TROUBLE.test(logged) || runnerIsTroubled === true) return [];
  return [`the runner is not healthy: ${logged.trim().split('\n').at(-1)}`];
}
