/** What the runner's own requests meet and ours do not, judged by who answered and in which form. */
import { describe, expect, test } from 'vitest';

import type { RunnerEvent } from '../../src/core/runner-event.ts';
import { catalogue, causeSpec } from '../../src/diagnosis/catalogue/index.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { START } from '../support/clock.ts';
import type { FindingSpec } from '../support/snapshots.ts';
import type { EventOver } from '../support/events.ts';
import { fail, GITLAB, runner, snapshotOf, warn } from '../support/snapshots.ts';
import { dataOfPoll, showing, event, TALKING, timesUntil } from '../support/events.ts';

const LONG_AGO = START - 3_600_000;
const OPEN = Object.fromEntries(
  ['dns', 'connect', 'tls', 'http', 'api'].map((link) => [link, { since: LONG_AGO }]),
);

function causesOf(findings: Readonly<Record<string, FindingSpec>>) {
  return diagnose(snapshotOf({ ...OPEN, ...findings }, TALKING)).causes;
}

function idsOf(findings: Readonly<Record<string, FindingSpec>>): readonly string[] {
  return causesOf(findings).map(({ id }) => id);
}

function failedPolls(cause: string, text: string, over: EventOver = {}): RunnerEvent {
  const times = over.times ?? timesUntil(5, 5, 15);
  const data = dataOfPoll(text, over.facts as Readonly<Record<string, string>>);
  return event('poll-failed', { runner: 'runnerAA1', cause, text, data, ...over, times });
}

const log = (...events: readonly RunnerEvent[]) => ({ 'runner-log': showing(...events) });
const REQUEST = 'POST https://H/api/v4/jobs/request:';
const ULID = { facts: { correlation_id: '01JDFZ8M5Q7R9T1V3W5X7Y9Z0A' } };
const OWN_ID = { facts: { correlation_id: '0123456789abcdef0123456789abcdef' } };

describe('an answer to the request for jobs alone', () => {
  test.each<[string, string, string, EventOver, string]>([
    ['404 of GitLab', 'url-path-wrong', `${REQUEST} 404 Not Found ()`, {}, 'gitlab-version-skew'],
    ['404 of a page', 'url-path-wrong', '404 Not Found', {}, 'url-path-wrong'],
    [
      '422 that says whose it was',
      'runner-orphaned',
      `${REQUEST} 422 Unprocessable Entity (Runner is orphaned)`,
      {},
      'runner-orphaned',
    ],
    [
      '503 that speaks of maintenance',
      'gitlab-unavailable',
      `${REQUEST} 503 Service Unavailable (GitLab is in maintenance mode)`,
      {},
      'gitlab-maintenance-mode',
    ],
    [
      '503 with GitLab’s kind of id',
      'gitlab-unavailable',
      '503 Service Unavailable',
      ULID,
      'gitlab-maintenance-mode',
    ],
    [
      '503 with an id of the runner’s own',
      'gitlab-unavailable',
      '503 Service Unavailable',
      OWN_ID,
      'gitlab-unavailable',
    ],
    [
      '504, each after about as long',
      'gitlab-unavailable',
      '504 Gateway Timeout',
      {},
      'idle-connection-killed',
    ],
  ])('%s', (_what, cause, text, over, id) => {
    expect(idsOf(log(failedPolls(cause, text, over)))).toEqual([id]);
  });

  test.each(catalogue.filter(({ scope }) => scope === 'gitlab').map(({ id }) => id))(
    'an entry whose polls all fail by %s gets no jobs, whatever its severity',
    (id) => {
      const findings = { ...OPEN, ...log(failedPolls(id, `${REQUEST} 500 Internal Server Error`)) };
      const judged = diagnose(snapshotOf(findings, { ...TALKING, runners: [runner('runnerAA1')] }));
      const { causes, verdict, runners } = judged;
      const isPartial = causes.some(({ id: named }) => causeSpec(named)?.isPartial === true);
      const isStopped = causes.length > 0 && !isPartial;

      expect([verdict === 'broken', runners[0]?.connected]).toEqual([
        isStopped,
        causes.length > 0 ? isPartial : undefined,
      ]);
      expect(verdict).not.toBe('healthy');
    },
  );

  test('404 of GitLab says nothing of the version where the API was not seen', () => {
    const line = failedPolls('url-path-wrong', `${REQUEST} 404 Not Found ()`);

    expect(idsOf({ ...log(line), api: warn('too-many-requests') })).toContain('url-path-wrong');
  });
});

describe('a filter that refuses the runner until it switches itself off', () => {
  const refused = failedPolls('edge-waf-blocked', '403 Forbidden', {
    times: timesUntil(10, 3, 3),
  });
  const off = event('disabled', {
    runner: 'runnerAA1',
    lastAt: START - 10_000,
    facts: { until_milliseconds: START + 3_600_000 },
  });

  test('is the cause, and the penalty its symptom', () => {
    const [cause, ...others] = causesOf(log(refused, off));

    expect(others).toEqual([]);
    expect(cause).toMatchObject({
      id: 'edge-waf-blocked',
      severity: 'critical',
      scope: { kind: 'gitlab', id: GITLAB, runners: ['runnerAA1'] },
    });
  });

  test('is no cause if our requests were rejected too and now pass', () => {
    const closed = { startedAt: LONG_AGO, durationSeconds: 0.1, finding: fail('forbidden') };
    const http: FindingSpec = {
      since: START - 5000,
      recent: [{ check: `http@${GITLAB}`, ...closed }],
    };

    expect(idsOf({ ...log(refused, off), http })).toEqual(['runner-disabled-unhealthy']);
  });

  test('is no cause if GitLab itself rejects', () => {
    const own = failedPolls('token-rejected', `${REQUEST} 403 Forbidden`, {
      times: timesUntil(10, 3, 3),
    });

    expect(idsOf(log(own, off))).toEqual(['runner-disabled-unhealthy']);
  });

  test('is over with the next reload', () => {
    const loaded = event('config-loaded', { lastAt: START - 5000 });

    expect(idsOf(log(refused, loaded))).toEqual([]);
  });
});

const askedAt = (startedAt: number): FindingSpec => ({
  finding: { status: 'pass' },
  last: {
    check: 'token@runnerAA1',
    startedAt,
    durationSeconds: 0.1,
    finding: { status: 'pass' },
  },
});

describe('refusals of GitLab itself, again and again', () => {
  const own = failedPolls('token-rejected', `${REQUEST} 403 Forbidden`);

  test('while it takes the token are those of a site that may not write', () => {
    const findings = { ...log(own), 'token@runnerAA1': askedAt(START - 1000) };

    expect(causesOf(findings)).toMatchObject([
      { id: 'gitlab-read-only-site', severity: 'critical', ruledOut: [{ id: 'token-rejected' }] },
    ]);
  });

  test('say nothing while GitLab was not asked since', () => {
    expect(idsOf({ ...log(own), 'token@runnerAA1': askedAt(LONG_AGO) })).toEqual([]);
  });
});

describe('a token that is rejected while polls succeed', () => {
  const token = { finding: fail('rejected'), since: START - 60_000 };
  const polls = (times: readonly number[]) => ({
    'token@runnerAA1': token,
    'runner-metrics': showing(event('polls-worked', { runner: 'runnerAA1', times })),
  });

  test('is the old one of a runner that has a new one', () => {
    expect(causesOf(polls(timesUntil(5, 3, 15)))).toMatchObject([
      { id: 'token-rotation-not-persisted', severity: 'warning', explains: ['token@runnerAA1'] },
    ]);
  });

  test.each([
    ['before the refusal', timesUntil(70, 3, 15)],
    ['once more, sent before the rejection began', timesUntil(40, 1, 1)],
  ])('is refused all the same when they worked %s', (_when, times) => {
    expect(idsOf(polls(times))).toEqual(['token-rejected']);
  });
});

function worked(lastAt: number): Readonly<Record<string, FindingSpec>> {
  return { 'runner-metrics': showing(event('polls-worked', { runner: 'runnerAA1', lastAt })) };
}

describe('a rule of the firewall for the user of the runner, while our requests pass', () => {
  const facts = { rule: 'inet host out handle 4', address: '10.0.0.2', port: 443, by_user: true };
  const rule = { firewall: { finding: warn('rule-blocks', facts), since: START - 60_000 } };
  const judge = (said: Readonly<Record<string, FindingSpec>>) => {
    const { causes, runners } = diagnose(snapshotOf({ ...OPEN, ...rule, ...said }, TALKING));
    return [causes.map(({ id, severity }) => `${id} ${severity}`), runners[0]?.connected];
  };
  test('stops it', () => {
    expect(judge({})).toEqual([['firewall-local-block critical'], false]);
  });

  test('is a warning while its polls work, on a connection that is older than the rule', () => {
    expect(judge(worked(START - 5000))).toEqual([['firewall-local-block warning'], true]);
  });

  test('stops it where the polls worked before the rule alone', () => {
    expect(judge(worked(START - 90_000))).toEqual([['firewall-local-block critical'], false]);
  });
});
