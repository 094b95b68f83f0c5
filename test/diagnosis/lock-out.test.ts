/** After three refusals the runner disables the entry: the refusal stays the cause, and `touch` is the last thing to do. */
import { describe, expect, test } from 'vitest';

import { dateText } from '../../src/core/date-text.ts';
import type { Cause } from '../../src/core/diagnosis.ts';
import { dataWith } from '../../src/core/finding-data.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { TRIED_RUNNERS } from '../../src/go/dns/address-difference.ts';
import { START } from '../support/clock.ts';
import { event, showing, TALKING, timesUntil } from '../support/events.ts';
import type { FindingSpec } from '../support/snapshots.ts';
import { brokenAt, fail, snapshotOf, warn } from '../support/snapshots.ts';

const UNTIL = START + 43 * 60_000 - 500;
const TOUCH = 'sudo touch /etc/gitlab-runner/config.toml';
const WHEN = `in 43 min, at ${dateText(UNTIL)}`;

const off = event('disabled', {
  runner: 'runnerAA1',
  lastAt: START - 10_000,
  facts: { until_milliseconds: UNTIL },
});
const refusedBy = (cause: string) =>
  event('poll-failed', { runner: 'runnerAA1', cause, times: timesUntil(10, 3, 3) });

function causesOf(said: Readonly<Record<string, FindingSpec>>): readonly Cause[] {
  const log = { 'runner-log': showing(refusedBy('token-rejected'), off) };
  return diagnose(snapshotOf({ ...log, ...said }, TALKING)).causes;
}

/** The token, asked before the refusals alone. */
const notAsked: FindingSpec = {
  finding: { status: 'unknown', reason: 'contradicted', detail: 'of before' },
  last: {
    check: 'token@runnerAA1',
    startedAt: START - 600_000,
    durationSeconds: 0.1,
    finding: { status: 'pass' },
  },
};

const OF_ADDRESSES = {
  name: 'gitlab.test',
  wrong: '10.200.0.77',
  wrong_source: '10.0.0.2',
  wrong_server: '10.0.0.2',
  wrong_name: 'gitlab.test',
  wrong_does: 'rejects the token',
  right: '10.200.0.5',
  right_does: 'where GitLab accepts the token',
  right_source: '10.0.0.2',
};

/** The token is accepted here, and rejected at an address that the name has in turn. */
const inTurn: FindingSpec = {
  ...warn('mixed-addresses', { ...OF_ADDRESSES, trial: 'token', is_answered: true }),
  data: dataWith(TRIED_RUNNERS, ['runnerAA1']),
};

const STOPS: readonly (readonly [string, Readonly<Record<string, FindingSpec>>])[] = [
  ['the token, as it is asked now', { 'token@runnerAA1': fail('rejected') }],
  ['the token, which expired', { 'token@runnerAA1': fail('expired') }],
  ['the token, whose runner is orphaned', { 'token@runnerAA1': fail('orphaned') }],
  ['the token, by the words of the runner', { 'token@runnerAA1': notAsked }],
  ['the web server', brokenAt('http', fail('forbidden'))],
  ['an address of the name, which is not the one in use now', { dns: inTurn }],
  ['the certificate', brokenAt('tls', fail('expired'))],
];

describe.each(STOPS)('%s', (_what, said) => {
  const [cause] = causesOf(said);

  test('is the cause, and the lock-out comes with its countdown', () => {
    expect(causesOf(said).map(({ id }) => id)).not.toContain('runner-disabled-unhealthy');
    expect(cause?.severity).toBe('critical');
    expect(cause?.summary).toContain(`tries again by itself ${WHEN}.`);
    expect(cause?.evidence.map(({ text }) => text)).toContain('line: disabled');
  });

  test('is mended first, and then the file is touched', () => {
    const commands = cause?.fix.map(({ command }) => command) ?? [];

    expect(commands.length).toBeGreaterThan(1);
    expect(commands.indexOf(TOUCH)).toBe(commands.length - 1);
    expect(cause?.fix.at(-1)?.text).toContain(WHEN);
  });

  test('stops the entry', () => {
    const log = { 'runner-log': showing(refusedBy('token-rejected'), off) };
    const { runners } = diagnose(snapshotOf({ ...log, ...said }, TALKING));

    expect(runners[0]).toMatchObject({ connected: false, cause: cause?.id });
  });
});

test('a refusal by the words of the runner is confirmed by the lock-out, and names its line', () => {
  expect(causesOf({ 'token@runnerAA1': notAsked })).toMatchObject([
    {
      id: 'token-rejected',
      confidence: 'confirmed',
      scope: { kind: 'runner', id: 'runnerAA1' },
      summary: expect.stringMatching(/^GitLab rejects the token of docker-1 \(runnerAA1\) \(403/),
    },
  ]);
});

test('once GitLab accepts the token again, the lock-out is what is left', () => {
  const [cause, ...others] = causesOf({});

  expect(others).toEqual([]);
  expect(cause).toMatchObject({ id: 'runner-disabled-unhealthy', fix: [{ command: TOUCH }, {}] });
  expect(cause?.summary).toContain(`until ${dateText(UNTIL)} (in 43 min)`);
});

test('a cause of another entry says nothing of it', () => {
  const [first] = causesOf({ 'token@runnerAA2': fail('rejected') }).filter(
    ({ id }) => id === 'token-rejected',
  );

  expect(first?.summary).not.toContain('by itself');
  expect(first?.fix.map(({ command }) => command)).not.toContain(TOUCH);
});
