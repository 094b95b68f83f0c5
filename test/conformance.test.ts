/** What the scheduler requires of every probe and every follow-up, also of future ones. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { followUpsOf, linksOf, runFollowUp } from '../src/checks/follow-up.ts';
import { ALL_PROBES } from '../src/cli/all-probes.ts';
import type { Check } from '../src/core/check.ts';
import type { Finding } from '../src/core/finding.ts';
import type { Found } from '../src/core/follow-up.ts';
import { idleFinding } from '../src/core/follow-up.ts';
import { defaultsOf } from '../src/core/option.ts';
import type { Probe } from '../src/core/probe.ts';
import { PROBES } from '../src/probes/index.ts';
import { runCheck } from '../src/checks/run.ts';
import type { Refusal } from './support/refusing.ts';
import { startRefusal } from './support/refusing.ts';
import { inPatience } from './support/until.ts';

let refusal: Refusal;

beforeAll(async () => {
  refusal = await startRefusal();
});

afterAll(async () => {
  await refusal[Symbol.asyncDispose]();
});

/** The finding as the scheduler gets it; a throw has become `probe-bug` or, after the deadline, `overdue`. */
async function findingOf(probe: Probe, signal: AbortSignal): Promise<Finding> {
  const { finding } = await runCheck(checkOf(probe), await refusal.toolsFor(probe, signal));
  return finding;
}

function checkOf(probe: Probe): Check {
  const target = refusal.targetFor(probe);
  return {
    id: `${probe.id}@${target.id}`,
    probe,
    target,
    options: defaultsOf(probe.options),
    intervalSeconds: probe.intervalSeconds,
    timeoutSeconds: probe.timeoutSeconds,
  };
}

/** What the finding says that it may not say. */
function violations(probe: Probe, finding: Finding, alsoAllowed: readonly string[]): unknown {
  const reason = finding.status === 'pass' ? 'pass' : finding.reason;
  const allowed = [...Object.keys(probe.reasons), ...alsoAllowed];
  const hasDetail = finding.status === 'pass' || finding.detail !== '';
  return [
    ...(allowed.includes(reason) ? [] : [reason]),
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

const FOLLOW_UPS = ALL_PROBES.flatMap((probe) =>
  [probe.followUp ?? [], probe.revisions ?? []].flat().map((followUp) => ({
    name: followUp.id,
    followUp,
    probe,
  })),
);

/** Every link that it follows has failed with the first of its reasons. */
async function foundBy(
  { probe, followUp }: (typeof FOLLOW_UPS)[number],
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const check = checkOf(probe);
  const planned = followUpsOf([check]).find((one) => one.followUp === followUp);
  if (planned === undefined) throw new Error('it is not planned');
  const tools = await refusal.toolsFor(probe, signal);
  const found: Found[] = [];
  for (const [index, name] of followUp.after.entries()) {
    const link = linksOf(followUp)[index] ?? '';
    const finding = {
      status: 'fail',
      reason: name.slice(link.length + 1),
      detail: 'seen',
    } as const;
    const fault = { name, link, finding };
    found.push(await runFollowUp(planned, '', { ...tools, fault, recent: [] }, new Map()));
  }
  return found;
}

describe.each(FOLLOW_UPS)('after a failure, $name', (one) => {
  const { followUp, probe } = one;
  const borrowed = (followUp.linkReasons ?? []).map((name) => [name, probe.reasons[name]]);
  const declared = { ...probe, reasons: { ...followUp.reasons, ...Object.fromEntries(borrowed) } };

  test('on a target that refuses settles, throws nothing, says what it declares', async () => {
    for (const found of await foundBy(one, new AbortController().signal)) {
      const { status: _, ...rest } = found;
      const finding: Finding = found.status === undefined ? { ...rest, status: 'pass' } : found;

      expect(violations(declared, finding, ['pass'])).toEqual([]);
    }
  });

  test('on an aborted signal settles at once, and has not found anything', async () => {
    await expect(inPatience(foundBy(one, AbortSignal.abort()), stillRunning)).rejects.toThrow(
      /abort/i,
    );
  });

  test('on a signal that aborts meanwhile settles at once, and has not found anything', async () => {
    const stop = new AbortController();
    const running = foundBy(one, stop.signal);
    stop.abort();

    await expect(inPatience(running, stillRunning)).rejects.toThrow(/abort/i);
  });

  test('measures what it declares while nothing is due', () => {
    expect(violations(probe, idleFinding(followUp), ['pass'])).toEqual([]);
  });
});
