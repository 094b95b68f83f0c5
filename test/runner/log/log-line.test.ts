import { describe, expect, test } from 'vitest';

import { parseLine, parseSyslog } from '../../../src/runner/log/log-line.ts';
import { START } from '../../support/clock.ts';
import type { LogEntry } from '../../support/runner-lines.ts';
import { inColours, json, logfmt, plain, asSyslogEntry } from '../../support/runner-lines.ts';

const TAIL =
  'execute JSON request: execute request: couldn\'t execute POST against https://gitlab.test/api/v4/jobs/request: Post "https://gitlab.test/api/v4/jobs/request": dial tcp 10.0.0.2:443: connect: connection refused';
const FAILED: LogEntry = {
  level: 'warning',
  message: 'Checking for jobs... failed',
  fields: { correlation_id: '3c0f', runner: 'abc12defg', status: TAIL },
};
const READ = {
  level: 'warning',
  message: 'Checking for jobs... failed',
  fields: { correlation_id: '3c0f', runner: 'abc12defg', status: TAIL },
};

describe('one line, however it is written, says the same', () => {
  test.each([
    ['in colours', inColours(FAILED)],
    ['without colours', plain(FAILED)],
    ['as logfmt', logfmt(FAILED)],
    ['as JSON', json(FAILED)],
    ['through syslog', parseSyslog(asSyslogEntry(FAILED), START)?.text ?? ''],
  ])('%s', (_how, line) => {
    expect(parseLine(line)).toMatchObject(READ);
  });

  test('logfmt and JSON say when it was written, the other formats do not', () => {
    const at = Date.parse('2026-11-24T08:59:00Z');

    expect(parseLine(logfmt(FAILED))?.at).toBe(at);
    expect(parseLine(json(FAILED))?.at).toBe(at);
    expect(parseLine(inColours(FAILED))?.at).toBeUndefined();
  });
});

describe('bare values', () => {
  test('a value may contain spaces and text in the form of a key', () => {
    const line =
      'ERROR: Checking for jobs... forbidden    runner=abc12defg status=POST https://h/?runner=x builds=7: 403 Forbidden';

    // The keys are sorted, so `builds` behind `status` belongs to its value.
    expect(parseLine(line)?.fields).toEqual({
      runner: 'abc12defg',
      status: 'POST https://h/?runner=x builds=7: 403 Forbidden',
    });
  });

  test('what the runner says of a job’s output does not run into its name', () => {
    const line =
      'WARNING: Appending trace to coordinator... job failed code=403 job=7 job-log=0-99 job-status= runner=abc12defg sent-log=0-98 status=403 Forbidden update-interval=0s';

    expect(parseLine(line)?.fields).toMatchObject({
      job: '7',
      runner: 'abc12defg',
      status: '403 Forbidden',
    });
  });

  test('a message without fields is a message', () => {
    const line =
      'ERROR: Runner "https://gitlab.test/abc12defg" is unhealthy and will be disabled for 1h0m0s seconds!';

    expect(parseLine(line)).toEqual({
      level: 'error',
      message:
        'Runner "https://gitlab.test/abc12defg" is unhealthy and will be disabled for 1h0m0s seconds!',
      fields: {},
    });
  });

  test('a line without a level is of the level info', () => {
    expect(parseLine('Configuration loaded                               builds=0')).toEqual({
      level: 'info',
      message: 'Configuration loaded',
      fields: { builds: '0' },
    });
  });
});

describe('what is no line of the runner', () => {
  test.each(['', '   ', '{"no": "level"}', '{broken', 'time="x" level=odd msg=y', 'level=info'])(
    '%j says nothing',
    (line) => {
      expect(parseLine(line)).toBeUndefined();
    },
  );
});

describe('the date of syslog', () => {
  const NOW = Date.parse('2026-01-02T00:00:00Z');

  test.each([
    ['Jan  1 10:00:00 host gitlab-runner[7]: text', new Date(2026, 0, 1, 10).getTime()],
    ['Dec 31 23:00:00 host gitlab-runner: text', new Date(2025, 11, 31, 23).getTime()],
    [
      '2026-01-01T10:00:00.5+01:00 host gitlab-runner[7]: text',
      Date.parse('2026-01-01T09:00:00.5Z'),
    ],
  ])('%s', (line, at) => {
    expect(parseSyslog(line, NOW)).toEqual({ at, text: 'text' });
  });

  test('another line has none', () => {
    expect(parseSyslog('Configuration loaded', NOW)).toBeUndefined();
  });
});
