/** A law over all links and all complaints: a pass from before a complaint about a link is not shown as proof. */
import { describe, expect, test } from 'vitest';

import { contradictionsOf, dropContradicted } from '../../src/checks/contradictions.ts';
import type { Snapshot } from '../../src/core/check.ts';
import type { Finding } from '../../src/core/finding.ts';
import { reasonOf } from '../../src/core/finding.ts';
import { addSighting } from '../../src/core/sightings.ts';
import type { RunnerEvent } from '../../src/core/runner-event.ts';
import { LINKS } from '../../src/core/vocabulary.ts';
import type { Link } from '../../src/core/vocabulary.ts';
import { dataWith } from '../../src/core/finding-data.ts';
import { readStatus, RESPONSE_STATUS } from '../../src/runner/log/line-data.ts';
import type { LogLine } from '../../src/runner/log/log-line.ts';
import { COMPLAINING, complaintOf, complaintsOf } from '../../src/runner/complaints.ts';
import { START } from '../support/clock.ts';
import { event, showing, TALKING, timesUntil } from '../support/events.ts';
import { GITLAB, PROXY, runner, snapshotOf } from '../support/snapshots.ts';

const URL_OF_POLL = 'POST https://gitlab.example.com/api/v4/jobs/request';
const OWN = { runner: 'runnerAA1' };
/** Every kind, and every answer that a poll can end with. */
const COMPLAINTS: readonly (readonly [string, Link, RunnerEvent])[] = [
  ['GitLab’s 403', 'token', poll('token-rejected', `${URL_OF_POLL}: 403 Forbidden`)],
  [
    'an orphan’s 403',
    'token',
    poll('runner-orphaned', `${URL_OF_POLL}: 403 Forbidden (Runner is orphaned)`),
  ],
  ['a 403 of something else', 'http', poll('edge-waf-blocked', '403 Forbidden')],
  ['500', 'api', poll('gitlab-internal-error', '500 Internal Server Error')],
  ['502', 'http', poll('gitlab-bad-gateway', '502 Bad Gateway')],
  ['503', 'token', poll('gitlab-unavailable', `${URL_OF_POLL}: 503 Service Unavailable`)],
  ['504', 'http', poll('gitlab-unavailable', '504 Gateway Timeout')],
  ['404', 'api', poll('url-path-wrong', '404 Not Found')],
  [
    'a refused connection',
    'connect',
    poll('tcp-connection-refused', 'Post "x": dial tcp 10.0.0.2:443: connect: connection refused'),
  ],
  [
    'an unknown name',
    'dns',
    poll('dns-name-not-found', 'Post "x": dial tcp: lookup h: no such host'),
  ],
  [
    'a certificate',
    'tls',
    poll('tls-certificate-expired', 'Post "x": tls: failed to verify certificate'),
  ],
  ['a proxy', 'proxy', poll('proxy-unreachable', 'Post "x": proxyconnect tcp: EOF')],
  ['anything else', 'http', poll(undefined, 'Post "x": EOF')],
  ['the lock-out', 'token', event('disabled', OWN)],
  [
    'counted 403',
    'token',
    event('polls-failed', { ...OWN, cause: 'token-rejected', ...counted('403') }),
  ],
  ['counted 502', 'http', event('polls-failed', { ...OWN, ...counted('502') })],
  [
    'counted failures without an answer',
    'connect',
    event('polls-failed', { ...OWN, ...counted('-1') }),
  ],
  ['a job that cannot report', 'http', event('job-connection', OWN)],
  ['`gitlab-runner verify`', 'token', event('token', { cause: 'token-rejected' })],
];

function poll(cause: string | undefined, status: string): RunnerEvent {
  return event('poll-failed', {
    ...OWN,
    ...(cause === undefined ? {} : { cause }),
    ...statusOf({ level: 'warning', message: 'Checking for jobs... failed', fields: { status } }),
  });
}

/** As the reader of the log has it. */
function statusOf(line: LogLine): Pick<RunnerEvent, 'facts' | 'data'> {
  return { facts: { status: line.fields['status'] ?? '' }, data: readStatus(line, '') };
}

/** As the reader of the counters has it. */
function counted(status: string): Pick<RunnerEvent, 'facts' | 'data'> {
  const code = Number(status);
  return { facts: { status }, ...(code > 0 ? { data: dataWith(RESPONSE_STATUS, code) } : {}) };
}

function at(complaint: RunnerEvent, instant: number): RunnerEvent {
  return { ...complaint, ...addSighting(undefined, instant) };
}

/** The status of each link of the entry after a pass at START - 1000 and a complaint at that moment. */
function statusesAfter(complaint: RunnerEvent, where: 'log' | 'counters' | 'live') {
  const findings =
    where === 'log'
      ? { 'runner-log': showing(complaint) }
      : { 'runner-metrics': showing(complaint) };
  const snapshot = snapshotOf(where === 'live' ? {} : findings, { ...TALKING, proxy: PROXY });
  const checks = shownOf(snapshot, where === 'live' ? [complaint] : []);
  return new Map<string, Finding>(checks.map(({ check, finding }) => [check.id, finding]));
}

/** The checks as readers see them, while the log has these further events. */
function shownOf(
  { checks, hostContext: { contexts } }: Snapshot,
  live: readonly RunnerEvent[],
  afterMilliseconds = 0,
) {
  const log = { read: async () => await Promise.reject(new Error('not read')), events: () => live };
  return dropContradicted(
    checks,
    contradictionsOf(checks, { contexts, logAt: () => log }, START + afterMilliseconds),
  );
}

function idOf(one: Link): string {
  return `${one}@${one === 'token' ? 'runnerAA1' : GITLAB}`;
}

describe.each(COMPLAINTS)('%s', (_what, link, complaint) => {
  const links = complaintOf(complaint)?.links ?? [];

  test('speaks of the right link', () => {
    expect(links).toContain(link);
  });

  describe.each(['log', 'counters', 'live'] as const)('in the %s', (where) => {
    test.each(LINKS)('and %s', (one) => {
      const before = statusesAfter(at(complaint, START - 2000), where).get(idOf(one));
      const after = statusesAfter(at(complaint, START), where).get(idOf(one));

      expect(before).toEqual({ status: 'pass' });
      expect(after).toMatchObject(
        links.includes(one) ? { status: 'unknown', reason: 'contradicted' } : { status: 'pass' },
      );
    });

    test('leaves the token of another entry alone', () => {
      const found = statusesAfter(at(complaint, START), where).get('token@runnerAA2');
      const isOfAny = complaint.runner === undefined;

      expect(found?.status).toBe(isOfAny ? 'unknown' : 'pass');
    });
  });
});

test('every kind of event that complains is tried', () => {
  expect(new Set(COMPLAINTS.map(([, , { kind }]) => kind))).toEqual(new Set(COMPLAINING));
});

test('a complaint that goes on does not make what passed since its begin worthless', () => {
  const begin = at(event('disabled', OWN), START - 5000);
  const found = statusesAfter({ ...begin, ...addSighting(begin, START) }, 'log');

  expect(found.get('token@runnerAA1')).toEqual({ status: 'pass' });
});

test('counted failures reach back to the last success, however far apart they were read', () => {
  const first = at(event('polls-failed', { ...OWN, ...counted('-1') }), START - 600_000);
  const found = statusesAfter({ ...first, ...addSighting(first, START) }, 'counters');

  expect([...found.values()].filter(({ status }) => status !== 'pass')).toEqual([]);
});

test('an entry that cannot even ask says nothing about the path', () => {
  const found = statusesAfter(at(poll('config-executor-unknown', ''), START), 'log');

  expect([...found.values()].filter(({ status }) => status !== 'pass')).toEqual([]);
});

test('a complaint about one GitLab leaves another one alone', () => {
  const other = 'https://other.example.com/';
  const snapshot = snapshotOf(
    { 'runner-log': showing(at(poll(undefined, 'EOF'), START)) },
    {
      ...TALKING,
      runners: [runner('runnerAA1'), runner('runnerBB1', { url: other, endpoint: other })],
    },
  );
  const checks = shownOf(snapshot, []);

  expect(
    checks
      .filter(({ finding }) => finding.status === 'unknown')
      .map(({ check }) => check.target.id),
  ).toEqual(Array.from({ length: 4 }, () => GITLAB));
});

test('a link that fails accounts for the complaint: the others stay passed', () => {
  const failing = { status: 'fail', reason: 'refused', detail: 'connection refused' } as const;
  const line = at(poll('tcp-connection-refused', 'Post "x": connect: connection refused'), START);
  const snapshot = snapshotOf({ 'runner-log': showing(line), connect: failing }, TALKING);

  expect(shownOf(snapshot, []).filter(({ finding }) => finding.status === 'unknown')).toEqual([]);
});

test('of two entries with one token, the one whose path fails accounts for the complaint', () => {
  const gone = 'https://gone.example.com/';
  const line = at(poll('dns-name-not-found', 'Post "x": dial tcp: lookup h: no such host'), START);
  const snapshot = snapshotOf(
    {
      'runner-log': showing(line),
      [`dns@${gone}`]: { status: 'fail', reason: 'not-found', detail: 'no such host' },
    },
    {
      ...TALKING,
      runners: [runner('runnerAA1'), runner('runnerAA1#2', { url: gone, endpoint: gone })],
    },
  );

  expect(
    shownOf(snapshot, []).filter(
      ({ check, finding }) => check.target.id === GITLAB && finding.status !== 'pass',
    ),
  ).toEqual([]);
});

describe('every link that waits less long than the runner', () => {
  const waiting = LINKS.flatMap((link) => {
    const { checks } = snapshotOf({}, { ...TALKING, proxy: PROXY });
    const probe = checks.find((state) => state.check.probe.id === link)?.check.probe;
    return probe?.patience?.reasons.map((reason) => [link, reason] as const) ?? [];
  });

  test.each(waiting)('%s, which ended with %s, accounts for the complaint', (link, reason) => {
    const silent = { status: 'unknown', reason, detail: 'no response' } as const;
    const line = at(poll(undefined, 'Post "x": EOF'), START);
    const snapshot = snapshotOf(
      { 'runner-log': showing(line), [link]: silent },
      { ...TALKING, proxy: PROXY },
    );
    const doubted = shownOf(snapshot, [])
      .filter(({ finding }) => reasonOf(finding) === 'contradicted')
      .map(({ check }) => check.id);
    const isSpokenOf = complaintOf(line)?.links.includes(link) === true;

    expect(doubted.length === 0).toBe(isSpokenOf);
  });

  test('is there', () => {
    expect(waiting.length).toBeGreaterThan(0);
  });
});

test.each([
  [99_000, 4],
  [101_000, 0],
])('%i ms after the last complaint %i links are in doubt', (after, count) => {
  const line = at(poll(undefined, 'EOF'), START);
  const snapshot = snapshotOf({ 'runner-log': showing(line) }, TALKING);
  const unknown = shownOf(snapshot, [], after).filter(
    ({ finding }) => finding.status === 'unknown',
  );

  expect(unknown).toHaveLength(count);
});

test('429 says nothing against a link', () => {
  const line = poll('gitlab-rate-limited', '429 Too Many Requests');

  expect(complaintsOf([line, event('polls-failed', counted('429'))])).toEqual([]);
});

test('a lock-out that is counted since the start of the process says nothing of now', () => {
  const total = event('health-failed', { ...OWN, lastAt: START });

  expect(complaintOf(total)).toBeUndefined();
});

describe('a link that failed when the runner complained, and passes again', () => {
  const refused = { status: 'fail', reason: 'refused', detail: 'connection refused' } as const;
  const recovered = {
    since: START - 60_000,
    recent: [
      { check: 'connect@x', startedAt: START - 90_000, durationSeconds: 1, finding: refused },
    ],
  } as const;
  const unknownAfter = (lastAt: number, link: string) => {
    const line = at(poll(undefined, '502 Bad Gateway'), lastAt);
    const snapshot = snapshotOf({ 'runner-log': showing(line), [link]: recovered }, TALKING);
    const old = { check: 'x@x', startedAt: START - 600_000, durationSeconds: 1 } as const;
    const checks = snapshot.checks.map((state) => ({
      ...state,
      last: { ...old, finding: state.finding },
    }));
    return shownOf({ ...snapshot, checks }, []).filter(
      ({ finding }) => finding.status === 'unknown',
    );
  };

  test.each(['http', 'api'])('accounts for the complaint after its end: %s', (link) => {
    expect(unknownAfter(START - 61_000, link)).toEqual([]);
    expect(unknownAfter(START - 50_000, link)).toEqual([]);
  });

  test('accounts for no complaint of later, nor for one about other links', () => {
    expect(unknownAfter(START - 30_000, 'http')).toHaveLength(3);
    expect(unknownAfter(START - 61_000, 'connect')).toHaveLength(3);
  });
});

/** The token passed a minute before a poll was answered 500 for the last time, that many seconds ago. */
function tokenAfter(secondsAgo: number, said: readonly RunnerEvent[], askedAgain = false) {
  const failed = event('poll-failed', {
    ...OWN,
    ...statusOf({ level: 'warning', message: '', fields: { status: '500 Internal Server Error' } }),
    times: timesUntil(secondsAgo, 3, 5),
  });
  const snapshot = snapshotOf({ 'runner-log': showing(failed, ...said) }, TALKING);
  const checks = snapshot.checks.map((state) => {
    const isOther = state.check.id === 'token@runnerAA2' && askedAgain;
    const startedAt = START - (isOther ? 5000 : 120_000);
    const last = { check: state.check.id, startedAt, durationSeconds: 0.1, finding: state.finding };
    return { ...state, last };
  });
  const shown = shownOf({ ...snapshot, checks }, []);
  return shown.find(({ check: { id } }) => id === 'token@runnerAA1')?.finding.status;
}

function worked(runner: string, secondsAgo: number): RunnerEvent {
  return event('polls-worked', { runner, lastAt: START - secondsAgo * 1000 });
}

describe('a server that was at fault', () => {
  test('is in doubt until it has proven the end, or the silence is long', () => {
    expect([19, 30, 99].map((ago) => tokenAfter(ago, []))).toEqual(Array(3).fill('unknown'));
    expect(tokenAfter(101, [])).toBe('pass');
  });

  test('has proven it for all entries when it accepts the token of one, after the complaints would have come', () => {
    expect(tokenAfter(30, [], true)).toBe('pass');
    expect(tokenAfter(19, [], true)).toBe('unknown');
  });

  test('has proven it when a counted poll of that entry has worked since', () => {
    expect(tokenAfter(30, [worked('runnerAA1', 5)])).toBe('pass');
    expect(tokenAfter(30, [worked('runnerAA1', 20)])).toBe('unknown');
    expect(tokenAfter(30, [worked('runnerAA2', 5)])).toBe('unknown');
  });
});
