/** The liveness probe of the chart: when it ends a runner, and what must not be laid on it. */
import { describe, expect, test } from 'vitest';

import type { CheckState } from '../../src/core/check.ts';
import type { Cause } from '../../src/core/diagnosis.ts';
import type { Finding, ProbeResult } from '../../src/core/finding.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { START } from '../support/clock.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import type { FindingSpec } from '../support/snapshots.ts';
import { brokenAt, fail, runner, snapshotOf } from '../support/snapshots.ts';

const ID = 'runner-ended-by-liveness-probe';
const FIX = { text: 'Set livenessProbe.failureThreshold.' };
const MINUTE = 60_000;
/** Five minutes ago. */
const BEGAN = START - 5 * MINUTE;

function resultOf(finding: Finding, startedAt: number, durationSeconds = 0.1): ProbeResult {
  return { check: 'any@any', startedAt, durationSeconds, finding };
}

/** GitLab is down since five minutes. */
function outage(over: Partial<CheckState> = {}, durationSeconds = 0.1): Partial<CheckState> {
  const finding = fail('server-error', { status: 502 });
  const last = resultOf(finding, START - 1000, durationSeconds);
  return { finding, last, recent: [last], since: BEGAN, streak: 20, ...over };
}

const alive = (startedSeconds: number): Finding => ({
  status: 'pass',
  measures: { started_timestamp_seconds: startedSeconds },
});

/** It ran until then, and is as `now` since. */
function service(until: number, now: Finding): Partial<CheckState> {
  return { finding: now, recent: [resultOf(alive(1), until), resultOf(now, START - 1000)] };
}

function causesOf(
  findings: Readonly<Record<string, FindingSpec>>,
  probe: { readonly isSeen: boolean } | 'none' = { isSeen: true },
): readonly Cause[] {
  const livenessProbe = probe === 'none' ? {} : { livenessProbe: { ...probe, fix: FIX } };
  const place = { ...PACKAGED_PLACE, registersItself: true as const, ...livenessProbe };
  return diagnose(snapshotOf(findings, { runners: [runner('runnerAA1')], place })).causes;
}

const idsOf = (...given: Parameters<typeof causesOf>): readonly string[] =>
  causesOf(...given).map(({ id }) => id);

const DOWN = brokenAt('http', outage(), undefined, ['runnerAA1']);
const GONE = service(BEGAN + 2 * MINUTE, fail('not-running'));

test('it will end the runner: told beside the outage, as a notice', () => {
  const [first, second] = causesOf(DOWN);

  expect(first).toMatchObject({ id: 'gitlab-internal-error', severity: 'critical' });
  expect(second).toMatchObject({ id: ID, severity: 'notice', fix: [expect.anything(), FIX] });
});

test('of two entries one rejected token is enough, and any other failure of one is not', () => {
  const runners = [runner('runnerAA1'), runner('runnerAA2', { url: 'https://other.example.com/' })];
  const place = { ...PACKAGED_PLACE, livenessProbe: { isSeen: true, fix: FIX } };
  const named = (findings: Readonly<Record<string, FindingSpec>>): boolean =>
    diagnose(snapshotOf(findings, { runners, place })).causes.some(({ id }) => id === ID);

  for (const reason of ['rejected', 'expired', 'checksum-mismatch', 'forbidden-by-edge'])
    expect(named({ 'token@runnerAA1': outage({ finding: fail(reason) }) })).toBe(true);
  expect(named({ 'token@runnerAA1': outage({ finding: fail('server-error') }) })).toBe(false);
  expect(named(DOWN)).toBe(false);
});

describe('it has ended the runner', () => {
  test.each([
    ['which is gone', GONE],
    ['which was started again', service(BEGAN + 2 * MINUTE, alive(2))],
  ])('%s: a warning behind the outage', (_what, state) => {
    const causes = causesOf({ ...DOWN, service: state });

    expect(causes.map(({ id, severity }) => [id, severity])).toEqual([
      ['gitlab-internal-error', 'critical'],
      [ID, 'warning'],
    ]);
    expect(causes[1]?.summary).toContain('ended while GitLab refused it');
  });

  test('also where its script is not visible', () => {
    expect(idsOf({ ...DOWN, service: GONE }, { isSeen: false })).toContain(ID);
  });
});

describe('it is not named', () => {
  test.each<readonly [string, Parameters<typeof causesOf>]>([
    ['where nothing asks GitLab', [{ ...DOWN, service: GONE }, 'none']],
    ['before an end, where its script is not visible', [DOWN, { isSeen: false }]],
    ['while GitLab answers', [{ service: GONE }]],
    [
      'in an outage that stays silent',
      [brokenAt('http', outage({}, 15), undefined, ['runnerAA1'])],
    ],
    [
      'at the first failure',
      [brokenAt('http', outage({ streak: 1, since: START }), undefined, ['runnerAA1'])],
    ],
  ])('%s', (_what, given) => {
    expect(idsOf(...given)).not.toContain(ID);
  });

  test('as the end of a runner whose end has a reason of its own', () => {
    const state = service(BEGAN + 2 * MINUTE, fail('container-out-of-memory'));

    expect(causesOf({ ...DOWN, service: state })).toMatchObject([
      { id: 'container-out-of-memory' },
      { id: 'gitlab-internal-error' },
      { id: ID, severity: 'notice' },
    ]);
  });

  test('as the end of a runner that ended with the outage', () => {
    const state = service(BEGAN + 5000, fail('not-running'));

    expect(causesOf({ ...DOWN, service: state })).toMatchObject([
      { id: 'runner-not-running', severity: 'critical' },
      { id: 'gitlab-internal-error' },
      { id: ID, severity: 'notice' },
    ]);
  });
});
