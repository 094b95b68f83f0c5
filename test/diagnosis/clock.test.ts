/** A wrong clock is a notice, unless something valid is rejected because of it: then it is the root. */
import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { START } from '../support/clock.ts';
import { brokenAt, fail, GITLAB, runner, snapshotOf, withDates } from '../support/snapshots.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
const OTHER = 'https://gitlab.other.example/';
const TWO = { runners: [runner('runnerAA1'), runner('runnerBB1', { url: OTHER })] };

function iso(secondsFromNow: number): string {
  return new Date(START + secondsFromNow * 1000).toISOString();
}

function findingWithSkew(clock_skew_seconds: number): Finding {
  return { status: 'pass', measures: { clock_skew_seconds } };
}

/** Results one minute apart, the last one a second ago. */
function resultsWithSkew(...skews: readonly number[]) {
  const recent = skews.map((skew, index) => ({
    check: `http@${GITLAB}` as const,
    startedAt: START - 1000 - (skews.length - 1 - index) * 60_000,
    durationSeconds: 0.1,
    finding: findingWithSkew(skew),
  }));
  return { finding: findingWithSkew(skews.at(-1) ?? 0), recent, streak: 500 };
}

/** The certificate of the first GitLab is refused; the second one answers, with its Date. */
function refused(reason: string, facts: Readonly<Record<string, string>>, skew: number) {
  return snapshotOf(
    {
      ...brokenAt('tls', withDates(fail(reason, facts), facts), GITLAB, ['runnerAA1']),
      [`http@${OTHER}`]: findingWithSkew(skew),
    },
    TWO,
  );
}

describe('while everything passes', () => {
  test('two hours are a notice for all entries, and no certificate is a cause', () => {
    const { causes, verdict, runners } = diagnose(
      snapshotOf({ http: resultsWithSkew(2 * HOUR, 2 * HOUR) }),
    );

    expect(causes).toMatchObject([
      {
        id: 'clock-skew',
        severity: 'notice',
        confidence: 'confirmed',
        summary: "This host's clock differs from GitLab's by 7200 s.",
        scope: { kind: 'host', id: 'host', runners: ['runnerAA1', 'runnerAA2'] },
        explains: [],
      },
    ]);
    expect(causes[0]?.evidence.map(({ text }) => text)).toEqual([
      "the Date header of GitLab's response differs from this host's clock by 7200 s",
    ]);
    expect(verdict).toBe('degraded');
    expect(runners.map(({ connected }) => connected)).toEqual([true, true]);
  });

  test.each([0, 59, 60, -60])('%i s are nothing', (skew) => {
    expect(diagnose(snapshotOf({ http: resultsWithSkew(skew, skew) })).causes).toEqual([]);
  });

  test('it begins with the first answer that showed it, and one answer only makes it suspected', () => {
    const once = diagnose(snapshotOf({ http: resultsWithSkew(0, 0, -HOUR) })).causes[0];
    const twice = diagnose(snapshotOf({ http: resultsWithSkew(0, -HOUR, -HOUR) })).causes[0];

    expect([once?.confidence, once?.since]).toEqual(['suspected', START - 1000]);
    expect([twice?.confidence, twice?.since]).toEqual(['confirmed', START - 61_000]);
  });

  test('when one GitLab agrees with this clock, it is the other one that is wrong', () => {
    const findings = {
      [`http@${GITLAB}`]: findingWithSkew(2 * HOUR),
      [`http@${OTHER}`]: findingWithSkew(0),
    };

    expect(diagnose(snapshotOf(findings, TWO)).causes).toEqual([]);
  });

  test('two GitLabs that disagree about the direction prove nothing', () => {
    const findings = {
      [`http@${GITLAB}`]: findingWithSkew(2 * HOUR),
      [`http@${OTHER}`]: findingWithSkew(-2 * HOUR),
    };

    expect(diagnose(snapshotOf(findings, TWO)).causes).toEqual([]);
  });
});

describe('when a validity check fails', () => {
  test.each([
    ['not-yet-valid', { not_before: iso(DAY) }, 2 * DAY],
    ['expired', { not_after: iso(-DAY) }, -2 * DAY],
  ])(
    '%s by this clock and good by the others’ is the clock, and the certificate a symptom',
    (reason, facts, skew) => {
      const { causes, verdict, runners } = diagnose(refused(reason, facts, skew));

      expect(causes).toMatchObject([
        { id: 'clock-skew', severity: 'critical', scope: { runners: ['runnerAA1'] } },
      ]);
      expect(causes[0]?.evidence.map(({ check }) => check)).toEqual([
        `tls@${GITLAB}`,
        `http@${OTHER}`,
      ]);
      expect(causes[0]?.explains).toEqual([`http@${GITLAB}`, `api@${GITLAB}`, 'token@runnerAA1']);
      expect(verdict).toBe('broken');
      expect(runners.map(({ cause }) => cause)).toEqual(['clock-skew', undefined]);
    },
  );

  test('an issuer that ended only by this clock is no issuer’s fault', () => {
    const finding: Finding = {
      ...fail('intermediate-expired'),
      measures: { chain_not_after_timestamp_seconds: START / 1000 - DAY },
    };
    const findings = {
      ...brokenAt('tls', finding, GITLAB, ['runnerAA1']),
      [`http@${OTHER}`]: findingWithSkew(-2 * DAY),
    };

    expect(diagnose(snapshotOf(findings, TWO)).causes.map(({ id }) => id)).toEqual(['clock-skew']);
  });

  test('a token that ended only by this clock is no token’s fault', () => {
    const finding: Finding = {
      ...fail('expired'),
      measures: { expiry_timestamp_seconds: START / 1000 - HOUR },
    };
    const findings = { http: findingWithSkew(-2 * HOUR), 'token@runnerAA1': finding };
    const { causes } = diagnose(snapshotOf(findings));

    expect(causes).toMatchObject([
      { id: 'clock-skew', severity: 'critical', scope: { runners: ['runnerAA1'] }, explains: [] },
    ]);
  });

  test.each([
    ['expired', { not_after: iso(-DAY) }, 'tls-certificate-expired'],
    ['not-yet-valid', { not_before: '2035-01-01T00:00:00.000Z' }, 'tls-certificate-not-yet-valid'],
  ])('%s by both clocks is the certificate alone', (reason, facts, id) => {
    const { causes } = diagnose(refused(reason, facts, 0));

    expect(causes.map((cause) => cause.id)).toEqual([id]);
  });

  test.each([
    ['expired', { not_after: iso(-DAY) }, 'tls-certificate-expired'],
    ['not-yet-valid', { not_before: iso(9 * DAY) }, 'tls-certificate-not-yet-valid'],
  ])(
    '%s by both clocks stays the certificate’s fault beside a clock that is wrong, too',
    (reason, facts, id) => {
      const { causes } = diagnose(refused(reason, facts, 2 * HOUR));

      expect(causes.map((cause) => [cause.id, cause.severity])).toEqual([
        ['clock-skew', 'notice'],
        [id, 'critical'],
      ]);
    },
  );

  test('a certificate that ended and a bad token are one cause: the token is not judged', () => {
    const findings = {
      ...brokenAt('tls', withDates(fail('expired'), { not_after: iso(-DAY) })),
      'token@runnerAA1': fail('rejected'),
    };
    const { causes } = diagnose(snapshotOf(findings));

    expect(causes.map(({ id }) => id)).toEqual(['tls-certificate-expired']);
    expect(causes[0]?.explains).toContain('token@runnerAA1');
  });
});
