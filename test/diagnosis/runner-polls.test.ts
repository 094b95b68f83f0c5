/** The runner's polls fail and ours pass: each explanation, and the many cases in which nothing may be said. */
import { describe, expect, test } from 'vitest';

import { dataWith } from '../../src/core/finding-data.ts';
import { TRUST_CHANGED_AT } from '../../src/go/tls/handshake-facts.ts';
import { dateText } from '../../src/core/date-text.ts';
import type { Cause } from '../../src/core/diagnosis.ts';
import type { Finding, ProbeResult } from '../../src/core/finding.ts';
import type { RunnerEvent } from '../../src/core/runner-event.ts';
import type { ProxyDecision } from '../../src/core/target.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { START } from '../support/clock.ts';
import type { FindingSpec, World } from '../support/snapshots.ts';
import {
  brokenAt,
  fail,
  GITLAB,
  PROXY,
  RUNNER_PROCESS,
  snapshotOf,
  warn,
} from '../support/snapshots.ts';
import type { EventOver } from '../support/events.ts';
import { dataOfPoll, showing, event, TALKING, timesUntil } from '../support/events.ts';

const LONG_AGO = START - 3_600_000;
/** The path has been open for an hour. */
const OPEN = Object.fromEntries(
  ['dns', 'connect', 'tls', 'http', 'api'].map((link) => [link, { since: LONG_AGO }]),
);

function causesOf(
  findings: Readonly<Record<string, FindingSpec>>,
  world: World = {},
): readonly Cause[] {
  return diagnose(snapshotOf({ ...OPEN, ...findings }, { ...TALKING, ...world })).causes;
}

function idsOf(
  findings: Readonly<Record<string, FindingSpec>>,
  world: World = {},
): readonly string[] {
  return causesOf(findings, world).map(({ id }) => id);
}

function failedPolls(cause: string | undefined, text: string, over: EventOver = {}): RunnerEvent {
  const times = over.times ?? timesUntil(5, 5, 15);
  const named = cause === undefined ? {} : { cause };
  const facts = { ...named, data: dataOfPoll(text) };
  return event('poll-failed', { runner: 'runnerAA1', ...facts, text, ...over, times });
}

const log = (...events: readonly RunnerEvent[]) => ({ 'runner-log': showing(...events) });

const trustChanged = (changed: number) => ({
  tls: {
    since: LONG_AGO,
    finding: { status: 'pass', data: dataWith(TRUST_CHANGED_AT, changed) },
  } as const,
});

test('polls that a wrong address of several rejects are no fault of the token, nor of the site', () => {
  const refused = failedPolls('token-rejected', '403 Forbidden');
  const facts = {
    name: 'gitlab.example.com',
    trial: 'token',
    wrong: '10.0.0.4',
    wrong_does: 'rejects the token',
    wrong_server: '10.0.0.9',
    wrong_source: '10.0.0.9',
    wrong_name: 'gitlab.example.com',
    right: '10.0.0.2',
    right_does: 'where GitLab accepts the token',
  };
  const dns = { finding: warn('mixed-addresses', facts), since: LONG_AGO };

  expect(idsOf({ ...log(refused), dns })).toEqual(['dns-address-outdated']);
  expect(idsOf(log(refused))).not.toContain('dns-address-outdated');
});

describe('old trust', () => {
  const x509 = failedPolls(
    'tls-unknown-authority',
    'x509: certificate signed by unknown authority',
  );
  test('is the cause if a trust file was changed after the process started', () => {
    const changed = RUNNER_PROCESS.startedAt + 60_000;
    const [cause] = causesOf({ ...log(x509), ...trustChanged(changed) });

    expect(cause).toMatchObject({
      id: 'tls-trust-not-reloaded',
      severity: 'critical',
      scope: { kind: 'gitlab', id: GITLAB, runners: ['runnerAA1'] },
      summary: expect.stringContaining(dateText(changed)),
      ruledOut: [{ id: 'tls-unknown-authority' }],
      fix: [{ command: 'sudo systemctl restart gitlab-runner' }],
    });
    expect(cause?.evidence.map(({ check }) => check)).toEqual([
      'runner-log@gitlab-runner.service',
      `tls@${GITLAB}`,
    ]);
  });

  test('is not the cause if the files are older than the process', () => {
    expect(idsOf({ ...log(x509), ...trustChanged(RUNNER_PROCESS.startedAt - 1000) })).toEqual([
      'unknown',
    ]);
  });
});

const at = (host: string): ProxyDecision => ({
  kind: 'proxy',
  scheme: 'http',
  host,
  port: 3999,
  variable: 'HTTPS_PROXY',
});

describe('an old proxy', () => {
  const line = 'Post "x": proxyconnect tcp: dial tcp 10.0.0.9:3999: connect: connection refused';

  test('is the cause if the process uses one that is not in force', () => {
    expect(causesOf(log(failedPolls('proxy-unreachable', line)))).toMatchObject([
      { id: 'proxy-setting-not-applied', ruledOut: [{ id: 'proxy-unreachable' }] },
    ]);
    expect(idsOf(log(failedPolls('proxy-unreachable', line)), { proxy: PROXY })).toEqual([
      'proxy-setting-not-applied',
    ]);
  });

  test.each<[string, ProxyDecision | undefined]>([
    ['no proxy', undefined],
    ['one at another port', PROXY],
    ['one at another address', at('10.0.0.8')],
  ])('is restarted where the settings have %s', (_what, proxy) => {
    const around = proxy === undefined ? {} : { proxy };
    const [cause] = causesOf(log(failedPolls('proxy-unreachable', line)), around);
    expect(cause).toMatchObject({
      id: 'proxy-setting-not-applied',
      summary: expect.stringContaining('still uses the proxy 10.0.0.9:3999'),
    });
    expect(cause?.summary).not.toMatch(/does not have it/);
    expect(cause?.fix.map(({ command }) => command)).toEqual([
      'sudo systemctl restart gitlab-runner',
    ]);
  });

  test('is named without its address where the line has none', () => {
    const [cause] = causesOf(
      log(
        failedPolls('proxy-name-not-found', 'proxyconnect tcp: dial tcp: lookup old: no such host'),
      ),
    );
    expect(cause?.summary).toContain('still uses a proxy, which');
  });

  test.each(['10.0.0.9', '[fd00::9]'])('at the same address, %s, is not the cause', (address) => {
    const text = line.replace('10.0.0.9', address);
    const found = { ...log(failedPolls('proxy-unreachable', text)), proxy: { since: LONG_AGO } };
    expect(idsOf(found, { proxy: at(address) })).toEqual(['unknown']);
    expect(idsOf(found, { proxy: at('[fd00::8]') })).toEqual(['proxy-setting-not-applied']);
  });

  test('is not the cause if it is the one that is in force', () => {
    const same = line.replace('3999', '3128');

    expect(
      idsOf(
        { ...log(failedPolls('proxy-unreachable', same)), proxy: { since: LONG_AGO } },
        { proxy: PROXY },
      ),
    ).toEqual(['unknown']);
  });
});

test('a rule for the runner’s user is the cause if only that user is blocked', () => {
  const line = failedPolls('tcp-connect-timeout', 'dial tcp 10.0.0.2:443: i/o timeout');
  const rule = warn('rule-blocks', { rule: 'inet filter output handle 4', by_user: true });

  expect(causesOf({ ...log(line), firewall: rule })).toMatchObject([
    {
      id: 'firewall-local-block',
      severity: 'critical',
      evidence: [{}, { text: 'seen: rule-blocks' }],
    },
  ]);
});

const eof = (times: readonly number[]) =>
  log(failedPolls('connection-reset-midstream', 'Post "x": EOF', { times }));

describe('quiet connections that are cut', () => {
  test('are the cause if each was held about as long', () => {
    expect(causesOf(eof(timesUntil(5, 4, 33)))).toMatchObject([
      {
        id: 'idle-connection-killed',
        severity: 'warning',
        summary: expect.stringContaining('33 s'),
      },
    ]);
  });

  test.each([
    ['each after another time', [START - 95_000, START - 60_000, START - 45_000, START - 5000]],
    ['at once', timesUntil(5, 10, 3)],
  ])('are not the cause if they end %s', (_how, times) => {
    expect(idsOf(eof(times))).toEqual(['unknown']);
  });
});

test.each([
  ['after the same short wait each time', 13, 'idle-connection-killed'],
  ['at once', 4, 'gitlab-unavailable'],
  ['later than GitLab ever holds a poll', 63, 'gitlab-unavailable'],
])('a 504 in GitLab’s place that comes %s', (_how, everySeconds, id) => {
  const times = timesUntil(5, 8, everySeconds);
  const line = failedPolls('gitlab-unavailable', '504 Gateway Time-out', { times });

  expect(idsOf(log(line))).toEqual([id]);
});

describe('what only the runner’s own request meets', () => {
  test.each([
    ['edge-waf-blocked', '403 Forbidden'],
    ['gitlab-unavailable', '503 Service Unavailable'],
    ['url-path-wrong', '405 Method Not Allowed'],
  ])('%s is the cause as the runner logs it', (cause, text) => {
    expect(idsOf(log(failedPolls(cause, text)))).toEqual([cause]);
  });

  test('what nothing explains is unknown, with candidates and what is ruled out', () => {
    const line = failedPolls('dns-timeout', 'lookup gitlab: i/o timeout');
    const { causes, candidates } = diagnose(snapshotOf({ ...OPEN, ...log(line) }, TALKING));

    expect(causes).toMatchObject([
      {
        id: 'unknown',
        confidence: 'suspected',
        ruledOut: [{ id: 'dns-timeout', because: 'the dns check of runnerwatch passes' }],
      },
    ]);
    expect(candidates.length).toBeGreaterThan(0);
  });
});

/** Results of before, as the store keeps them. */
function result(link: string, finding: Finding): ProbeResult {
  return { check: `${link}@${GITLAB}`, startedAt: LONG_AGO, durationSeconds: 0.1, finding };
}

const closedLink = (link: string): ProbeResult => result(link, fail('bad-gateway'));
const open = (link: string): ProbeResult => result(link, { status: 'pass' });

describe('a first run', () => {
  const SEEN_ONCE = Object.fromEntries(
    ['dns', 'connect', 'tls', 'http', 'api'].map((link) => [link, { since: START - 1000 }]),
  );

  test('reports what it can explain, and only as suspected', () => {
    const line = log(failedPolls('edge-waf-blocked', '403 Forbidden'));

    expect(causesOf({ ...SEEN_ONCE, ...line })).toMatchObject([
      { id: 'edge-waf-blocked', confidence: 'suspected' },
    ]);
  });

  test('says nothing of what it cannot explain', () => {
    expect(idsOf({ ...SEEN_ONCE, ...log(failedPolls('dns-timeout', 'i/o timeout')) })).toEqual([]);
  });
});

describe('nothing is said', () => {
  const old = (times: readonly number[]) =>
    log(failedPolls('dns-timeout', 'i/o timeout', { times }));

  test.each<[string, Readonly<Record<string, FindingSpec>>]>([
    ['of two failures', old(timesUntil(5, 2, 30))],
    ['of many within moments', old(timesUntil(5, 6, 2))],
    ['of what has not happened again', old(timesUntil(130, 5, 15))],
    ['of what has missed more than one turn', old(timesUntil(50, 5, 15))],
    [
      'from before the path was open',
      {
        ...old(timesUntil(5, 5, 15)),
        http: { since: START - 10_000, recent: [closedLink('http'), open('http')] },
      },
    ],
    [
      'while the path is broken: the cause is there',
      { ...old(timesUntil(5, 5, 15)), ...brokenAt('dns', fail('timeout')) },
    ],
    [
      'when a poll has worked since, by the counters',
      {
        ...old(timesUntil(5, 5, 15)),
        'runner-metrics': showing(event('polls-worked', { runner: 'runnerAA1', lastAt: START })),
      },
    ],
    [
      'when a poll has worked since, by the log',
      log(
        failedPolls('dns-timeout', 'x'),
        event('poll-worked', { runner: 'runnerAA1', lastAt: START }),
      ),
    ],
  ])('%s', (_what, findings) => {
    expect(idsOf(findings).filter((id) => id !== 'dns-timeout')).toEqual([]);
  });

  test('of the process before this one', () => {
    const process = { ...RUNNER_PROCESS, startedAt: START - 1000 };

    expect(idsOf(old(timesUntil(5, 5, 15)), { process })).toEqual([]);
  });

  test('of entries that are not there', () => {
    expect(idsOf(log(failedPolls('edge-waf-blocked', 'x', { runner: 'goneAAAA1' })))).toEqual([]);
  });
});

describe('limits', () => {
  test('of open files are reported with the message of the kernel, for any path', () => {
    const line = failedPolls('fd-limit-reached', 'socket: too many open files');

    expect(causesOf(log(line))).toMatchObject([
      { id: 'fd-limit-reached', severity: 'critical', confidence: 'confirmed' },
    ]);
  });

  test.each([
    ['in the log', 'runner-log', 'poll-failed'],
    ['in the counters', 'runner-metrics', 'polls-failed'],
  ] as const)('of GitLab’s rate are reported when met three times, %s', (_where, probe, kind) => {
    const polls = (count: number, seconds: number, secondsAgo = 5) =>
      event(kind, {
        runner: 'runnerAA1',
        cause: 'gitlab-rate-limited',
        count,
        firstAt: START - (secondsAgo + seconds) * 1000,
        lastAt: START - secondsAgo * 1000,
      });

    expect(causesOf({ [probe]: showing(polls(3, 90)) })).toMatchObject([
      { id: 'gitlab-rate-limited', severity: 'warning', scope: { id: GITLAB } },
    ]);
    // One that lasts some seconds, and one that a retry cured.
    expect(causesOf({ [probe]: showing(polls(3, 10)) })).toMatchObject([{ severity: 'notice' }]);
    expect(idsOf({ [probe]: showing(polls(2, 90)) })).toEqual([]);
    // Neither another line nor a refusal of the token since.
    expect(idsOf({ [probe]: showing(polls(3, 90, 30)) })).toEqual([]);
    expect(idsOf({ [probe]: showing(polls(3, 90, 120)) })).toEqual([]);
  });
});

const refusedFor = (runner: string) => failedPolls('edge-waf-blocked', '403 Forbidden', { runner });

test('one fault that two entries met is one cause', () => {
  expect(causesOf(log(refusedFor('runnerAA1'), refusedFor('runnerAA2')))).toMatchObject([
    { id: 'edge-waf-blocked', scope: { runners: ['runnerAA1', 'runnerAA2'] } },
  ]);
});

describe('a token that was renewed and not written', () => {
  test('is proven by the line', () => {
    const line = event('config-not-saved', { text: 'ERROR: Failed to save config' });

    expect(causesOf(log(line))).toMatchObject([
      { id: 'token-rotation-not-persisted', severity: 'warning', confidence: 'confirmed' },
    ]);
  });

  test('is the cause if GitLab rejects the one on disk and polls work under another', () => {
    const findings = {
      'token@runnerAA1': fail('rejected'),
      'runner-metrics': showing(event('polls-worked', { runner: 'newTokenA' })),
    };
    const [cause, ...others] = causesOf(findings);

    expect(others).toEqual([]);
    expect(cause).toMatchObject({
      id: 'token-rotation-not-persisted',
      scope: { runners: ['runnerAA1'] },
      explains: ['token@runnerAA1'],
    });
  });

  test('is not the cause if the polls that work are of existing entries', () => {
    const findings = {
      'token@runnerAA1': fail('rejected'),
      'runner-metrics': showing(event('polls-worked', { runner: 'runnerAA2' })),
    };

    expect(idsOf(findings)).toEqual(['token-rejected']);
  });
});
