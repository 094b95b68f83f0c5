/** What every probe owes the scheduler, whatever it is about: also one that is written tomorrow. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Check } from '../src/core/check.ts';
import type { Finding } from '../src/core/finding.ts';
import { defaultsOf } from '../src/core/option.ts';
import type { Probe } from '../src/core/probe.ts';
import { PROBES } from '../src/probes/index.ts';
import { runCheck } from '../src/checks/run.ts';
import type { Refusal } from './support/refusing.ts';
import { startRefusal } from './support/refusing.ts';
import { inPatience } from './support/until.ts';

/** They judge nothing: they look for what explains a fault of the walk, and having found nothing is no fault. */
const ADVISERS: readonly string[] = ['detour', 'firewall'];

let refusal: Refusal;

beforeAll(async () => {
  refusal = await startRefusal();
});

afterAll(async () => {
  await refusal[Symbol.asyncDispose]();
});

/** The finding as the scheduler gets it; a throw has become `probe-bug` or, after the deadline, `overdue`. */
async function findingOf(probe: Probe, signal: AbortSignal): Promise<Finding> {
  const target = refusal.targetFor(probe);
  const check: Check = {
    id: `${probe.id}@${target.id}`,
    probe,
    target,
    options: defaultsOf(probe.options),
    intervalSeconds: probe.intervalSeconds,
    timeoutSeconds: probe.timeoutSeconds,
  };
  const { finding } = await runCheck(check, await refusal.toolsFor(probe, signal));
  return finding;
}

/** What the finding says that it may not say. */
function violations(probe: Probe, finding: Finding, alsoAllowed: readonly string[]): unknown {
  const said = finding.status === 'pass' ? 'pass' : finding.reason;
  const isAdviser = ADVISERS.includes(probe.id);
  const allowed = [...Object.keys(probe.reasons), ...alsoAllowed, ...(isAdviser ? ['pass'] : [])];
  const hasDetail = finding.status === 'pass' || finding.detail !== '';
  return [
    ...(allowed.includes(said) ? [] : [said]),
    ...Object.keys(finding.measures ?? {}).filter((name) => !(name in probe.measures)),
    ...(hasDetail ? [] : ['no detail']),
  ];
}

const stillRunning = (): string => 'it is still running';

describe.each(PROBES)('$id', (probe) => {
  test('on a target that refuses settles, throws nothing, does not pass, says what it declares', async () => {
    const finding = await findingOf(probe, new AbortController().signal);

    expect(violations(probe, finding, [])).toEqual([]);
  });

  test('on an aborted signal settles at once and does not pass', async () => {
    const finding = await inPatience(findingOf(probe, AbortSignal.abort()), stillRunning);

    expect(violations(probe, finding, ['overdue'])).toEqual([]);
  });

  test('on a signal that aborts meanwhile settles at once', async () => {
    const stop = new AbortController();
    const running = findingOf(probe, stop.signal);
    stop.abort();

    const finding = await inPatience(running, stillRunning);

    expect(violations(probe, finding, ['overdue'])).toEqual([]);
  });
});
