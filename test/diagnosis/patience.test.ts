/** Law: silence is critical only after the runner would have given up too. */
import { describe, expect, test } from 'vitest';

import type { Cause } from '../../src/core/diagnosis.ts';
import type { Finding } from '../../src/core/finding.ts';
import { RUNNER_WAITS_SECONDS } from '../../src/core/runner-patience.ts';
import { LINKS } from '../../src/core/vocabulary.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { PROBES } from '../../src/probes/index.ts';
import { START } from '../support/clock.ts';
import { event, showing, TALKING } from '../support/events.ts';
import { brokenAt, PROXY, snapshotOf } from '../support/snapshots.ts';

const PATIENT = PROBES.flatMap(({ id, patience }) =>
  (patience?.reasons ?? []).map((reason) => ({ id, reason, ...patience })),
);

/** An address that does not answer fails; a server that does not is unknown. */
function silentFor(seconds: number, id: string, reason: string): readonly Cause[] {
  const link = LINKS.find((name) => name === id) ?? 'http';
  const status = id === 'connect' ? 'fail' : 'unknown';
  const facts = { proxy: 'p:1', destination: 'g:443', address: '192.0.2.1' };
  const finding: Finding = { status, reason, detail: 'no response', facts };
  const since = START - seconds * 1000;
  const world = id === 'proxy' ? { proxy: PROXY } : {};
  return diagnose(snapshotOf(brokenAt(link, { finding, since, streak: 1 }), world)).causes;
}

describe.each(PATIENT)('$id/$reason', ({ id, reason, ownSeconds = 0, runnerSeconds = 0 }) => {
  test('gives up before the runner, or it would need no patience', () => {
    expect(ownSeconds).toBeLessThan(runnerSeconds);
  });

  test('is a warning at first sight, and critical after the time of the runner', () => {
    expect(silentFor(1, id, reason)).toMatchObject([{ severity: 'warning' }]);
    expect(silentFor(runnerSeconds, id, reason)).toMatchObject([{ severity: 'critical' }]);
  });
});

/** Go's resolver has these timeouts itself, and the handshake is given longer than the runner gives it. */
const AS_LONG_AS_THE_RUNNER: ReadonlySet<string> = new Set(['dns/timeout']);

test('every link that can end in silence says for how long it waits', () => {
  const silent = PROBES.filter(({ kind }) => kind === 'endpoint')
    .flatMap(({ id, reasons, patience }) =>
      ['timeout', 'silent', 'no-answer']
        .filter((reason) => reason in reasons && patience?.reasons.includes(reason) !== true)
        .map((reason) => `${id}/${reason}`),
    )
    .filter((name) => !AS_LONG_AS_THE_RUNNER.has(name));

  expect(silent).toEqual([]);
});

test('the handshake is given more time than the runner gives it', () => {
  const tls = PROBES.find(({ id }) => id === 'tls');

  expect(tls?.timeoutSeconds).toBeGreaterThan(RUNNER_WAITS_SECONDS.handshake);
});

test('an answer that takes longer than the runner waits for a handshake is critical, and GitLab is slow', () => {
  const finding: Finding = { status: 'fail', reason: 'late', detail: '', facts: { took: '13 s' } };

  expect(diagnose(snapshotOf(brokenAt('tls', finding))).causes).toMatchObject([
    { id: 'gitlab-slow', severity: 'critical' },
  ]);
});

test('the log line by which the runner gave up is proof', () => {
  const finding: Finding = { status: 'unknown', reason: 'no-answer', detail: 'no response' };
  const gaveUp = event('poll-failed', {
    runner: 'runnerAA1',
    cause: 'gitlab-not-responding',
    lastAt: START - 1000,
  });
  const findings = {
    ...brokenAt('http', { finding, since: START - 60_000 }),
    'runner-log': showing(gaveUp),
  };

  expect(diagnose(snapshotOf(findings, TALKING)).causes).toMatchObject([
    { id: 'gitlab-not-responding', severity: 'critical' },
  ]);
});
