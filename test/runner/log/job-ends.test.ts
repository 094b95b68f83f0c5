import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { JOB_ENDS } from '../../../src/core/runner-event.ts';
import { jobEndOf } from '../../../src/runner/log/job-ends.ts';
import { parseLine } from '../../../src/runner/log/log-line.ts';
import { rootFolder } from '../../support/dns-server.ts';
import { watchLog } from '../../support/log-reading.ts';
import type { LogEntry } from '../../support/runner-lines.ts';
import { inColours, json, logfmt } from '../../support/runner-lines.ts';
import { patient, until } from '../../support/until.ts';

const LOG = '/var/log/runner.log';

function jobEnd(message: string, reason?: string, runner = 'abc12defg'): LogEntry {
  const fields = { duration_s: 3.2, job: 7, project: 9, runner };
  const more = reason === undefined ? {} : { failure_reason: reason };
  const level = message === SUCCEEDED ? 'info' : 'warning';
  return { level, message, fields: { ...fields, ...more } };
}

const SUCCEEDED = 'Job succeeded';
const SCRIPT = 'Job failed: exit code 1';
const SYSTEM = 'Job failed (system failure): prepare environment: failed to start process: pipe2';
const SHELL =
  'Job failed: prepare environment: exit status 1. Check https://docs.gitlab.com/runner/shells/#shell-profile-loading for more information';
const SYSTEM_REASON = 'runner_system_failure';

function pullFailed(why: string): string {
  return `Job failed: failed to pull image "alpine:nope" with specified policies [always]: Error response from daemon: ${why} (manager.go:423:0s)`;
}

describe('the last line about a job', () => {
  test.each([
    ['succeeded', SUCCEEDED, undefined],
    ['script-failed', SCRIPT, 'script_failure'],
    ['script-failed', 'Job failed: exit status 2', undefined],
    ['system-failed', SYSTEM, SYSTEM_REASON],
    [
      'system-failed',
      'Job failed (system failure): Cannot connect to the Docker daemon',
      undefined,
    ],
    // A shell that ends before the script begins: the runner blames the script.
    ['system-failed', SHELL, 'script_failure'],
    ['system-failed', SHELL, undefined],
    ['cancelled', 'Job failed: prepare environment: context canceled', 'job_canceled'],
    ['timed-out', 'Job failed: prepare environment: canceled', 'job_execution_timeout'],
    [
      'system-failed',
      'Job failed: failed to pull image: dial tcp: i/o timeout',
      'runner_external_dependency_failure',
    ],
    ['timed-out', 'Job failed: execution took longer than 1h0m0s seconds', 'job_execution_timeout'],
    ['timed-out', 'Job failed: execution took longer than 1h0m0s seconds', undefined],
    ['cancelled', 'Job failed: canceled', 'job_canceled'],
    ['cancelled', 'Job failed: script canceled externally (UI, API)', undefined],
    ['otherwise', 'Job failed: aborted: terminated', 'runner_interrupted'],
    ['otherwise', 'Job failed: aborted: terminated', undefined],
    // What comes before the script has a time limit of its own.
    [
      'system-failed',
      'Job failed: prepare timeout: exceeded timeout of 10m0s',
      'job_execution_timeout',
    ],
    [
      'system-failed',
      'Job failed: get sources timeout: exceeded timeout of 5m0s',
      'job_execution_timeout',
    ],
    // A registry that does not deliver, and an image that is not there.
    ['system-failed', pullFailed('toomanyrequests: rate exceeded'), 'image_pull_failure'],
    ['system-failed', pullFailed('dial tcp 10.0.0.9:443: i/o timeout'), 'image_pull_failure'],
    ['system-failed', pullFailed('received unexpected HTTP status: 502 Bad Gateway'), undefined],
    ['otherwise', pullFailed('manifest for alpine:nope not found'), 'image_pull_failure'],
    ['otherwise', pullFailed('pull access denied for x'), undefined],
    ['otherwise', pullFailed('unauthorized: authentication required'), 'configuration_error'],
    ['otherwise', pullFailed('manifest unknown: manifest unknown'), 'runner_configuration_error'],
    // The entry in config.toml, and what one job asks for.
    ['system-failed', 'Job failed: custom executor not configured', 'runner_configuration_error'],
    ['system-failed', 'Job failed: missing docker configuration', 'runner_configuration_error'],
    ['system-failed', 'Job failed: missing SSH config', 'configuration_error'],
    [
      'otherwise',
      'Job failed: the "ruby:3" image is not present on list of allowed images',
      'runner_configuration_error',
    ],
    ['otherwise', 'Job failed: step release: ended', 'unknown_failure'],
  ])('says %s: %s', (end, message, reason) => {
    const entry = jobEnd(message, reason);

    expect(
      [inColours(entry), logfmt(entry), json(entry)].map((line) => {
        const parsed = parseLine(line);
        return parsed === undefined ? undefined : jobEndOf(parsed);
      }),
    ).toEqual([end, end, end]);
  });

  test.each(['Preparation failed: exit status 1', 'Will be retried in 3s ...', 'canceled'])(
    'is not a line before it: %s',
    (message) => {
      const parsed = parseLine(inColours(jobEnd(message)));

      expect(parsed === undefined ? 'unparsed' : jobEndOf(parsed)).toBeUndefined();
    },
  );
});

/** What a log says of jobs when these lines were added to it. */
async function readingOf(...entries: readonly LogEntry[]) {
  await using root = await rootFolder({ [LOG]: `${inColours(jobEnd(SYSTEM, SYSTEM_REASON))}\n` });
  using open = watchLog({ kind: 'file', path: LOG }, root.paths);
  const readNow = async () => await open.watch.read(patient());
  const before = (await readNow()).lines;
  const lines = entries.map((one) => `${inColours(one)}\n`);
  await appendFile(join(root.paths.rootfs, LOG), lines.join(''));
  await until(async () => (await readNow()).lines === before + entries.length);
  return await readNow();
}

const FAILED = jobEnd(SYSTEM, SYSTEM_REASON);

test('jobs are counted by their end, and what was written before is not', async () => {
  const { jobEnds, lostJobEnds } = await readingOf(
    FAILED,
    jobEnd(SUCCEEDED),
    jobEnd(SUCCEEDED),
    jobEnd('Job failed: canceled', 'job_canceled'),
    { level: 'error', message: 'Job trace termination "Success" failed', fields: { job: 7 } },
  );

  expect(Object.keys(jobEnds)).toEqual(JOB_ENDS);
  expect(jobEnds).toMatchObject({ succeeded: 2, 'system-failed': 1, cancelled: 1 });
  expect(lostJobEnds).toBe(1);
});

const rowOf = async (...entries: readonly LogEntry[]) =>
  (await readingOf(...entries)).events
    .filter(({ kind }) => kind === 'jobs-failing')
    .map(({ runner, count }) => [runner, count]);

describe('failures of the system in a row', () => {
  test('of the shell itself point at a cause', async () => {
    const { events } = await readingOf(
      ...Array.from({ length: 3 }, () => jobEnd(SHELL, 'script_failure')),
    );

    expect(events.filter(({ kind }) => kind === 'jobs-failing')).toMatchObject([
      { cause: 'job-environment-failed', count: 3 },
    ]);
  });

  test('are counted for each entry', async () => {
    expect(await rowOf(FAILED, FAILED, jobEnd(SYSTEM, SYSTEM_REASON, 'xyz12defg'))).toEqual([
      ['abc12defg', 2],
      ['xyz12defg', 1],
    ]);
  });

  test.each([
    ['a job that succeeded', jobEnd(SUCCEEDED)],
    ['a script that failed', jobEnd(SCRIPT, 'script_failure')],
    [
      'a new start of the runner',
      { level: 'info', message: 'Starting multi-runner from x' } as const,
    ],
  ])('are over with %s', async (_what, entry) => {
    expect(await rowOf(FAILED, FAILED, entry)).toEqual([]);
  });

  test('continue after a job that was cancelled', async () => {
    const cancelled = jobEnd('Job failed: canceled', 'job_canceled');

    expect(await rowOf(FAILED, cancelled, FAILED)).toEqual([['abc12defg', 2]]);
  });

  test('are not those whose message proves a cause', async () => {
    const known = 'Job failed (system failure): Cannot connect to the Docker daemon at unix:///x';

    expect(await rowOf(jobEnd(known, SYSTEM_REASON))).toEqual([]);
  });
});
