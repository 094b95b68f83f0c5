/** The runner's process by its service, its log and its counters: each alone, and what must not be said. */
import { describe, expect, test } from 'vitest';

import type { EventKind } from '../../src/core/runner-event.ts';
import { dateText } from '../../src/core/date-text.ts';
import type { Cause } from '../../src/core/diagnosis.ts';
import type { RunnerEvent } from '../../src/core/runner-event.ts';
import type { FindingData } from '../../src/core/finding-data.ts';
import { dataWith } from '../../src/core/finding-data.ts';
import { parseVersion, RUNNER_VERSION } from '../../src/core/product-version.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { START } from '../support/clock.ts';
import type { FindingSpec, World } from '../support/snapshots.ts';
import { brokenAt, fail, runner, RUNNER_PROCESS, snapshotOf } from '../support/snapshots.ts';
import { MINUTE, showing, event, TALKING, timesUntil } from '../support/events.ts';

const BOTH = ['runnerAA1', 'runnerAA2'];

function causesOf(
  findings: Readonly<Record<string, FindingSpec>>,
  world: World = {},
): readonly Cause[] {
  return diagnose(snapshotOf(findings, { ...TALKING, ...world })).causes;
}

function idsOf(
  findings: Readonly<Record<string, FindingSpec>>,
  world: World = {},
): readonly string[] {
  return causesOf(findings, world).map(({ id }) => id);
}

const young = { ...RUNNER_PROCESS, startedAt: START - 2000 };
const FATAL = event('fatal', {
  cause: 'runner-start-failed',
  text: 'FATAL: Failed to create listener for metrics server error=bind: address already in use',
});

describe('a start that failed', () => {
  test.each(['failed', 'crash-loop', 'not-running'])(
    'is named with its fatal line, in any state of the service: %s',
    (reason) => {
      const findings = { service: fail(reason), 'runner-log': showing(FATAL) };
      const causes = causesOf(findings, { process: undefined });

      expect(causes).toMatchObject([
        {
          id: 'runner-start-failed',
          severity: 'critical',
          confidence: 'confirmed',
          scope: { kind: 'service', id: 'gitlab-runner.service', runners: BOTH },
          summary: expect.stringContaining('address already in use'),
        },
      ]);
      expect(causes[0]?.evidence.map(({ text }) => text)).toEqual([FATAL.text, `seen: ${reason}`]);
    },
  );

  test('is named between two starts of a loop as well, and not of a process that lives', () => {
    const findings = { 'runner-log': showing({ ...FATAL, count: 2 }) };

    expect(idsOf(findings, { process: young })).toEqual(['runner-start-failed']);
    expect(idsOf(findings)).toEqual([]);
  });

  test.each([
    ['as long as those before it', 90, ['runner-start-failed']],
    ['much longer than those before it', 20, []],
  ])('is judged by how long the process has lived: %s', (_how, everySeconds, ids) => {
    const starts = event('started', { times: timesUntil(100, 2, everySeconds) });
    const findings = { 'runner-log': showing({ ...FATAL, count: 2 }, starts) };
    const process = { ...RUNNER_PROCESS, startedAt: START - 100_000 };

    expect(idsOf(findings, { process })).toEqual(ids);
  });

  test('without a fatal line is what systemd says', () => {
    expect(idsOf({ service: fail('failed'), 'runner-log': showing() })).toEqual([
      'runner-start-failed',
    ]);
  });

  test('by a broken config is a matter of the config', () => {
    const findings = {
      config: fail('syntax-error', { line: 4 }),
      service: fail('crash-loop'),
      'runner-log': showing(FATAL),
    };

    expect(idsOf(findings, { process: undefined })).toEqual(['config-syntax-error']);
  });
});

describe('a crash loop', () => {
  const started = event('started', { times: timesUntil(30, 4, 120) });
  const restarted = event('restarting', { times: timesUntil(30, 3, 120) });

  test('is seen in the log if no manager counts restarts', () => {
    const findings = { 'runner-log': showing(started, restarted) };

    expect(causesOf(findings, { process: young })).toMatchObject([
      { id: 'runner-crash-loop', severity: 'critical' },
    ]);
    expect(idsOf(findings)).toEqual([]);
  });

  test.each([
    ['is over once a process lives much longer than those before it', 20, []],
    ['continues while those before it lived as long', 90, ['runner-crash-loop']],
  ])('%s', (_when, everySeconds, ids) => {
    const starts = event('started', { times: timesUntil(100, 4, everySeconds) });
    const process = { ...RUNNER_PROCESS, startedAt: START - 100_000 };

    expect(idsOf({ 'runner-log': showing(starts, restarted) }, { process })).toEqual(ids);
  });

  test('is none when a person restarts it', () => {
    expect(idsOf({ 'runner-log': showing(started) }, { process: young })).toEqual([]);
    // A stop that was not clean is a failure for systemd, and no restart of its own.
    const exited = event('exited', { times: timesUntil(31, 4, 120) });
    expect(idsOf({ 'runner-log': showing(started, exited) }, { process: young })).toEqual([]);
  });

  test('is none when the starts before it are long ago', () => {
    const old = event('started', { times: [...timesUntil(5000, 5, 120), START - 30_000] });
    const ends = event('restarting', { times: [...timesUntil(5000, 5, 120), START - 31_000] });

    expect(idsOf({ 'runner-log': showing(old, ends) }, { process: young })).toEqual([]);
  });
});

describe('a graceful stop', () => {
  test.each([
    ['by its line', 'runner-log', event('stopping')],
    [
      'by its state',
      'runner-metrics',
      event('stopping', { facts: { state: 'graceful-shutdown' } }),
    ],
  ])('%s is information, and no hanging', (_how, probe, observed) => {
    const flatCounters = { measures: { without_poll_seconds: 900 } };
    const findings = {
      'runner-metrics': { ...showing(), ...flatCounters },
      [probe]: { ...showing(observed), ...flatCounters },
    };

    expect(causesOf(findings)).toMatchObject([{ id: 'runner-shutting-down', severity: 'info' }]);
    expect(diagnose(snapshotOf(findings, TALKING)).verdict).toBe('healthy');
  });

  test('of the process before says nothing of this one', () => {
    expect(idsOf({ 'runner-log': showing(event('stopping')) }, { process: young })).toEqual([]);
  });
});

const flat = (seconds: number, ...events: readonly RunnerEvent[]) => ({
  'runner-metrics': { ...showing(...events), measures: { without_poll_seconds: seconds } },
});

describe('a process that hangs', () => {
  test('is proven by counters that are flat while everything is open', () => {
    expect(causesOf(flat(301))).toMatchObject([
      {
        id: 'runner-hung',
        severity: 'critical',
        confidence: 'confirmed',
        since: START - 301_000,
        scope: { runners: BOTH },
      },
    ]);
  });

  test.each(['stopped', 'uninterruptible'])('is proven by its state: %s', (reason) => {
    expect(idsOf({ service: fail(reason, { pid: 812 }) })).toEqual(['runner-hung']);
  });

  test.each([
    ['not yet', flat(299)],
    ['while the path is broken', { ...flat(900), ...brokenAt('tls', fail('expired')) }],
    ['while it is disabled', flat(900, event('feeds-failed', { runner: 'runnerAA1' }))],
    ['while it has no room', flat(900, event('at-capacity', { facts: { by: 'concurrent' } }))],
    ['while its counters cannot be read', { 'runner-metrics': fail('no-answer') }],
  ])('is not claimed %s', (_when, findings) => {
    expect(idsOf(findings)).not.toContain('runner-hung');
  });

  test('is not claimed of an idle one that polls', () => {
    expect(idsOf({ 'runner-log': showing(), ...flat(50) })).toEqual([]);
  });
});

const countedAt = (kind: EventKind, agoSeconds: number, count: number) =>
  event(kind, { runner: 'runnerAA1', lastAt: START - agoSeconds * 1000, count });

describe('an entry that switched itself off', () => {
  const UNTIL = START + 1_800_000;
  const off = event('disabled', { runner: 'runnerAA1', facts: { until_milliseconds: UNTIL } });
  const log = (...more: readonly RunnerEvent[]) => ({ 'runner-log': showing(off, ...more) });

  test('is reported with the end of the penalty, once GitLab accepts it', () => {
    const [cause, ...others] = causesOf(log());

    expect(others).toEqual([]);
    expect(cause).toMatchObject({
      id: 'runner-disabled-unhealthy',
      severity: 'critical',
      confidence: 'confirmed',
      scope: { kind: 'runner', id: 'runnerAA1', runners: ['runnerAA1'] },
      since: START - MINUTE,
      summary: expect.stringContaining(`until ${dateText(UNTIL)}`),
      ruledOut: [{ id: 'token-rejected', because: 'GitLab accepts the token now' }],
    });
    expect(cause?.fix[0]?.command).toBe('sudo touch /etc/gitlab-runner/config.toml');
  });

  test('rules nothing out where GitLab was asked before the refusals alone', () => {
    const startedAt = START - 2 * MINUTE;
    const last = { check: 'token@runnerAA1', startedAt, durationSeconds: 0.1 } as const;
    const token: FindingSpec = { last: { ...last, finding: { status: 'pass' } } };
    const [cause] = causesOf({ ...log(), 'token@runnerAA1': token });

    expect(cause).toMatchObject({ id: 'runner-disabled-unhealthy', ruledOut: [] });
    expect(cause?.summary).toContain('has not checked since');
  });

  test.each([
    [
      'while the token is refused',
      { ...log(), 'token@runnerAA1': fail('rejected') },
      {},
      ['token-rejected'],
    ],
    [
      'while the path is broken',
      { ...log(), ...brokenAt('tls', fail('expired')) },
      {},
      ['tls-certificate-expired'],
    ],
    ['after a restart', log(), { process: young }, []],
    [
      'after a poll that worked',
      {
        ...log(),
        'runner-metrics': showing(
          event('polls-worked', { runner: 'runnerAA1', lastAt: START - 1000 }),
        ),
      },
      {},
      [],
    ],
  ])('is not reported %s', (_when, findings, world, ids) => {
    expect(idsOf(findings, world)).toEqual(ids);
  });

  test('is over when the hour is', () => {
    const facts = { until_milliseconds: START - 91_000 };

    expect(idsOf({ 'runner-log': showing({ ...off, facts }) })).toEqual([]);
  });

  test('without a log is seen in the counters: refused, and then passed over', () => {
    const counted = [countedAt('health-failed', 120, 3), countedAt('feeds-failed', 3, 9)];

    expect(causesOf({ 'runner-metrics': showing(...counted) })).toMatchObject([
      { id: 'runner-disabled-unhealthy', scope: { runners: ['runnerAA1'] } },
    ]);
    expect(
      idsOf({ 'runner-metrics': showing(...counted, countedAt('polls-worked', 5, 1)) }),
    ).toEqual([]);
    expect(idsOf({ 'runner-metrics': showing(countedAt('feeds-failed', 3, 9)) })).toEqual([]);
  });
});

/** As the probe and the log reader hand it on. */
function versionData(text: string): FindingData {
  const version = parseVersion(text);
  return version === undefined ? {} : dataWith(RUNNER_VERSION, version);
}

const ofVersion = (version: string) => ({
  'runner-metrics': { ...showing(), facts: { version }, data: versionData(version) },
  'token@runnerAA1': { status: 'pass', facts: { server_at_least: '18.7' } } as const,
});

describe('the versions', () => {
  test.each([
    ['16.6.0', ['runner-outdated']],
    ['17.0.0', []],
    ['19.4.0', []],
    ['development version', []],
  ])('%s beside a GitLab of 18.7 or newer', (version, ids) => {
    expect(idsOf(ofVersion(version))).toEqual(ids);
  });

  test('are known from the first line of the log, too', () => {
    const line = event('version', { data: versionData('16.6.0') });
    const { 'runner-metrics': _, ...token } = ofVersion('19.4.0');
    const [cause] = causesOf({ ...token, 'runner-log': showing(line) });

    expect(cause?.id).toBe('runner-outdated');
    expect(cause?.evidence[0]?.text).toBe('the runner reports version 16.6.0');
  });

  test('is a notice for the entries of that GitLab', () => {
    const runners = [runner('runnerAA1'), runner('runnerAA2', { url: 'https://old.example.com/' })];

    expect(causesOf(ofVersion('16.6.0'), { runners })).toMatchObject([
      { severity: 'notice', scope: { runners: ['runnerAA1'] } },
    ]);
  });
});
