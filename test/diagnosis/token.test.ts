/** What GitLab says about tokens, and how often it must have said so before anybody believes it. */
import { describe, expect, test } from 'vitest';

import { catalogue } from '../../src/diagnosis/catalogue/index.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { START } from '../support/clock.ts';
import { brokenAt, fail, GITLAB, runner, snapshotOf, warn } from '../support/snapshots.ts';

const own = catalogue.flatMap(({ id, scope, from }) =>
  from
    .filter((reason) => reason.startsWith('token/') && reason !== 'token/expiring-soon')
    .map((reason) => [reason, id, scope] as const),
);

describe('one entry of two is refused', () => {
  test.each(own.filter(([, , scope]) => scope === 'runner'))(
    '%s is %s, of that entry alone',
    (from, id) => {
      const { causes, runners, verdict } = diagnose(
        snapshotOf({ 'token@runnerAA2': fail(from.slice('token/'.length), { line: 20 }) }),
      );

      expect(causes).toMatchObject([
        {
          id,
          severity: 'critical',
          scope: { kind: 'runner', id: 'runnerAA2', runners: ['runnerAA2'] },
        },
      ]);
      expect(causes[0]?.ruledOut.map((one) => one.id)).toEqual([
        'dns-name-not-found',
        'tcp-connect-timeout',
        'tls-unknown-authority',
        'gitlab-not-responding',
        'not-a-gitlab-server',
      ]);
      expect(runners.map(({ cause, connected }) => [cause, connected])).toEqual([
        [undefined, true],
        [id, false],
      ]);
      expect(verdict).toBe('broken');
    },
  );

  test.each(own.filter(([, , scope]) => scope === 'gitlab'))(
    '%s is %s, GitLab’s own state, once for all',
    (from, id) => {
      const finding = fail(from.slice('token/'.length));
      const { causes } = diagnose(
        snapshotOf({ 'token@runnerAA1': finding, 'token@runnerAA2': finding }),
      );

      expect(causes).toMatchObject([
        { id, scope: { kind: 'gitlab', id: GITLAB, runners: ['runnerAA1', 'runnerAA2'] } },
      ]);
      expect(causes[0]?.evidence).toHaveLength(2);
    },
  );
});

describe('a read-only GitLab', () => {
  const OTHER = 'https://gitlab.other.example/';

  test('makes a refused token at the same GitLab a symptom, so that a good registration is kept', () => {
    const findings = { 'token@runnerAA1': fail('read-only'), 'token@runnerAA2': fail('rejected') };
    const { causes, runners, verdict } = diagnose(snapshotOf(findings));

    expect(causes).toMatchObject([
      { id: 'gitlab-maintenance-mode', severity: 'warning', explains: ['token@runnerAA2'] },
    ]);
    expect(runners.map(({ cause }) => cause)).toEqual([
      'gitlab-maintenance-mode',
      'gitlab-maintenance-mode',
    ]);
    expect(verdict).toBe('broken');
  });

  test('says nothing about a token at another GitLab', () => {
    const runners = [runner('runnerAA1'), runner('runnerBB1', { url: OTHER })];
    const findings = { 'token@runnerAA1': fail('read-only'), 'token@runnerBB1': fail('rejected') };

    expect(diagnose(snapshotOf(findings, { runners })).causes.map(({ id }) => id)).toEqual([
      'gitlab-maintenance-mode',
      'token-rejected',
    ]);
  });
});

test('a token behind a broken path is not judged by earlier results', () => {
  const findings = {
    ...brokenAt('http', fail('bad-gateway')),
    'token@runnerAA2': fail('rejected'),
    'token@runnerAA1': warn('expiring-soon'),
  };
  const { causes } = diagnose(snapshotOf(findings));

  expect(causes.map(({ id }) => id)).toEqual(['gitlab-bad-gateway']);
  expect(causes[0]?.explains).toEqual([`api@${GITLAB}`, 'token@runnerAA1', 'token@runnerAA2']);
});

/** A check that failed `streak` times in a row over `seconds`. */
function repeated(
  reason: string,
  streak: number,
  seconds: number,
  status: 'fail' | 'warn' = 'fail',
) {
  const finding = { status, reason, detail: 'seen' } as const;
  const last = { check: 'x@y' as const, startedAt: START - 1000, durationSeconds: 0.1, finding };
  return { finding, streak, since: last.startedAt - seconds * 1000, last };
}

describe('a cause is suspected until it is confirmed', () => {
  test.each([
    ['dns', 'timeout', 1, 0, 'suspected'],
    ['dns', 'timeout', 2, 15, 'confirmed'],
    ['tls', 'expired', 1, 0, 'suspected'],
    ['tls', 'expired', 2, 15, 'confirmed'],
    ['token', 'rejected', 2, 60, 'suspected'],
    ['token', 'rejected', 3, 30, 'suspected'],
    ['token', 'rejected', 3, 45, 'confirmed'],
    ['token', 'checksum-mismatch', 1, 0, 'confirmed'],
    ['token', 'missing', 1, 0, 'confirmed'],
    ['token', 'registration-token', 1, 0, 'confirmed'],
    ['service', 'not-running', 1, 0, 'suspected'],
    ['config', 'no-runners', 1, 0, 'confirmed'],
  ])('%s/%s after %i results over %i s is %s', (probe, reason, streak, seconds, confidence) => {
    const { causes } = diagnose(snapshotOf({ [probe]: repeated(reason, streak, seconds) }));

    expect(causes[0]?.confidence).toBe(confidence);
  });

  test.each([
    ['cpu', 'starved', 4, 120, 'suspected'],
    ['cpu', 'starved', 5, 30, 'suspected'],
    ['cpu', 'starved', 5, 120, 'confirmed'],
    ['dns', 'slow', 4, 60, 'suspected'],
    ['dns', 'slow', 5, 60, 'confirmed'],
    ['http', 'slow', 4, 240, 'suspected'],
    ['http', 'slow', 5, 240, 'confirmed'],
  ])(
    '%s/%s, a warning, after %i results over %i s is %s',
    (probe, reason, streak, seconds, confidence) => {
      const { causes } = diagnose(
        snapshotOf({ [probe]: repeated(reason, streak, seconds, 'warn') }),
      );

      expect(causes[0]?.confidence).toBe(confidence);
    },
  );

  test('a cause of many entries is as sure as the one that was seen most often', () => {
    const findings = {
      'token@runnerAA1': repeated('server-error', 1, 0),
      'token@runnerAA2': repeated('server-error', 2, 25),
    };
    const { causes } = diagnose(snapshotOf(findings));

    expect(causes).toMatchObject([{ id: 'gitlab-internal-error', confidence: 'confirmed' }]);
  });
});

describe('the summary', () => {
  test.each([
    [1, 'docker-1 gets no jobs: the name gitlab.example.com does not resolve'],
    [3, 'docker-1, docker-2, docker-3 get no jobs: the name'],
    [5, 'docker-1, docker-2 and 3 more runners get no jobs: the name'],
  ])('of %i entries names who gets no jobs, and why', (count, start) => {
    const runners = Array.from({ length: count }, (_, index) => runner(`runnerAA${index + 1}`));
    const ids = runners.map(({ id }) => id);
    const { summary } = diagnose(
      snapshotOf(brokenAt('dns', fail('not-found', { servers: '10.0.0.53' }), GITLAB, ids), {
        runners,
      }),
    );

    expect(summary.startsWith(start)).toBe(true);
    expect(summary).toMatch(/\.$/);
  });

  test('counts what else there is', () => {
    const findings = {
      ...brokenAt('dns', fail('not-found')),
      disk: fail('full', { path: '/', roles: 'builds_dir' }),
    };

    expect(diagnose(snapshotOf(findings)).summary).toMatch(/ 1 more cause\.$/);
  });

  test('of an unsure world says how much is open, and why', () => {
    const unknown = { status: 'unknown', reason: 'overdue', detail: 'no end in time' } as const;
    const snapshot = snapshotOf({ dns: unknown, cpu: unknown });
    const { summary } = diagnose(snapshot);

    expect(summary).toBe(
      `No problem found, but 2 of ${snapshot.checks.length} checks have no result (dns@${GITLAB}: no end in time).`,
    );
  });
});
