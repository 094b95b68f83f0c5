/** States that GitLab, or the edge before it, is in for a while: whom they concern, and what they are not. */
import { describe, expect, test } from 'vitest';

import type { EventKind } from '../../src/core/runner-event.ts';
import type { Finding, ProbeResult } from '../../src/core/finding.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { START } from '../support/clock.ts';
import type { FindingSpec } from '../support/snapshots.ts';
import { brokenAt, fail, GITLAB, snapshotOf, warn } from '../support/snapshots.ts';
import { showing, event, TALKING } from '../support/events.ts';

function causesOf(findings: Readonly<Record<string, FindingSpec>>) {
  return diagnose(snapshotOf(findings, TALKING)).causes;
}

function result(probe: string, secondsAgo: number, finding: Finding): ProbeResult {
  const check = `${probe}@${GITLAB}` as const;
  return { check, startedAt: START - secondsAgo * 1000, durationSeconds: 0.1, finding };
}

const limited = (seconds: number, limiter?: string) => {
  const facts = limiter === undefined ? {} : { limiter };
  const finding = fail('too-many-requests', facts);
  return brokenAt('http', { finding, since: START - seconds * 1000 });
};
const polls = (kind: EventKind, secondsAgo: number) => ({
  'runner-metrics': showing(
    event(kind, {
      runner: 'runnerAA1',
      lastAt: START - secondsAgo * 1000,
      ...(kind === 'polls-worked' ? {} : { cause: 'gitlab-rate-limited' }),
    }),
  ),
});

describe('429 to the health page', () => {
  const silent = { 'runner-log': showing() };
  const waiting = { 'runner-log': showing(event('waiting', { lastAt: START - 5000 })) };

  test.each<[string, Readonly<Record<string, FindingSpec>>, string, string]>([
    [
      'and polls that worked since',
      { ...limited(30), ...polls('polls-worked', 5) },
      'monitor-throttled',
      'notice',
    ],
    [
      'and polls that worked before it alone',
      { ...limited(30), ...polls('polls-worked', 60) },
      'gitlab-rate-limited',
      'warning',
    ],
    [
      'and a runner that has not complained for a minute',
      { ...limited(90), ...silent },
      'monitor-throttled',
      'notice',
    ],
    [
      'and a runner that has had no time to',
      { ...limited(30), ...silent },
      'gitlab-rate-limited',
      'warning',
    ],
    ['and a runner that waits', { ...limited(90), ...waiting }, 'gitlab-rate-limited', 'warning'],
    [
      'with the text of Rack Attack, and to the runner’s polls',
      { ...limited(30, 'Rack Attack'), ...polls('polls-failed', 5) },
      'edge-ip-banned',
      'critical',
    ],
    [
      'with another text, and to the runner’s polls',
      { ...limited(30), ...polls('polls-failed', 5) },
      'gitlab-rate-limited',
      'warning',
    ],
  ])('%s', (_what, findings, id, severity) => {
    expect(causesOf(findings)).toMatchObject([{ id, severity }]);
  });
});

function refused(probe: 'http' | 'api', facts: Readonly<Record<string, string>> = {}) {
  return brokenAt(probe, { finding: fail('forbidden', facts), since: START - 90_000 });
}

describe('a refusal in front of GitLab, and the polls of the runner', () => {
  test.each<[string, Readonly<Record<string, FindingSpec>>, string]>([
    [
      'http, and polls that worked since',
      { ...refused('http'), ...polls('polls-worked', 5) },
      'monitor-blocked',
    ],
    [
      'api, and polls that worked since',
      { ...refused('api'), ...polls('polls-worked', 5) },
      'monitor-blocked',
    ],
    [
      'and polls that worked before it alone',
      { ...refused('http'), ...polls('polls-worked', 200) },
      'edge-waf-blocked',
    ],
    [
      'and a runner that is silent, as one that switched itself off',
      { ...refused('http'), 'runner-log': showing() },
      'edge-waf-blocked',
    ],
    [
      'of a request as the runner sends it',
      { ...refused('api', { method: 'POST' }), ...polls('polls-worked', 5) },
      'edge-waf-blocked',
    ],
  ])('%s', (_what, said, id) => {
    expect(causesOf(said)).toMatchObject([{ id }]);
  });
});

describe('a token that is refused after GitLab was away', () => {
  const refusedToken = (before: readonly ProbeResult[] = []): FindingSpec => ({
    finding: fail('rejected'),
    since: START - 20_000,
    recent: [...before, result('token', 10, fail('rejected'))],
  });
  const away = (secondsAgo: number, reason: string) => ({
    http: {
      finding: { status: 'pass' } as const,
      recent: [result('http', secondsAgo, fail(reason)), result('http', 10, { status: 'pass' })],
    },
  });

  test.each<[string, Readonly<Record<string, FindingSpec>>, string]>([
    [
      'a moment ago',
      { 'token@runnerAA1': refusedToken(), ...away(30, 'booting') },
      'gitlab-booting',
    ],
    ['long ago', { 'token@runnerAA1': refusedToken(), ...away(900, 'booting') }, 'token-rejected'],
    [
      'and was refused before that',
      {
        'token@runnerAA1': refusedToken([result('token', 60, fail('rejected'))]),
        ...away(30, 'bad-gateway'),
      },
      'token-rejected',
    ],
    [
      'with another reason',
      { 'token@runnerAA1': refusedToken(), ...away(30, 'forbidden') },
      'token-rejected',
    ],
  ])('%s', (_when, findings, id) => {
    expect(causesOf(findings)).toMatchObject([{ id }]);
  });
});

test('a refusal to write that shows a sign of Geo is no maintenance', () => {
  const finding = fail('read-only', { read_only_site: 'its message mentions Geo' });

  expect(causesOf({ 'token@runnerAA1': finding })).toMatchObject([
    { id: 'gitlab-read-only-site', severity: 'critical' },
  ]);
});

test('of two backends that answer in turn the bad one is named by its own header', () => {
  const recent = Array.from({ length: 10 }, (_, nth) =>
    nth % 2 === 0
      ? result('http', 100 - nth, { status: 'pass', facts: { address: '10.0.0.2', node: 'web-1' } })
      : result('http', 100 - nth, fail('bad-gateway', { address: '10.0.0.2', node: 'web-2' })),
  );
  const booting: FindingSpec = { ...fail('bad-gateway') };
  const findings = { http: { finding: { status: 'pass' } as const, recent }, api: booting };
  const token = fail('unavailable');
  const [cause, ...others] = causesOf({ ...findings, 'token@runnerAA1': token });

  // What fails behind it met the bad one.
  expect(others).toEqual([]);
  expect(cause).toMatchObject({ id: 'gitlab-partial-outage', severity: 'warning' });
  expect(cause?.summary).toContain('web-1: 0 of 5 requests fail, web-2: 5 of 5 requests fail');
});

test('429 to our request is no matter of ours alone where the runner is limited, too', () => {
  const limited = event('polls-failed', {
    runner: 'runnerAA1',
    cause: 'gitlab-rate-limited',
    count: 5,
    firstAt: START - 90_000,
    lastAt: START - 5000,
  });
  const findings = { api: warn('too-many-requests'), 'runner-metrics': showing(limited) };

  expect(causesOf(findings).map(({ id }) => id)).toEqual(['gitlab-rate-limited']);
});
