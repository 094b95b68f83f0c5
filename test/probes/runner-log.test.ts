import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { RunnerLogReader, RunnerLogReading } from '../../src/core/runner-event.ts';
import { JOB_ENDS } from '../../src/core/runner-event.ts';
import type { ServiceTarget } from '../../src/core/target.ts';
import type { Place } from '../../src/core/place.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { runnerLog } from '../../src/probes/runner-log.ts';
import { rootFolder } from '../support/dns-server.ts';
import { watchLog } from '../support/log-reading.ts';
import { inColours } from '../support/runner-lines.ts';
import { runProbe } from '../support/run-probe.ts';
import { until } from '../support/until.ts';

const SERVICE: ServiceTarget = {
  kind: 'service',
  id: 'gitlab-runner.service',
};

const NO_ENDS = Object.fromEntries(JOB_ENDS.map((end) => [end, 0]));

function doorOf(reading: Partial<RunnerLogReading>): RunnerLogReader {
  const all = {
    state: 'reading',
    detail: 'x',
    lines: 0,
    droppedLines: 0,
    understoodLines: 0,
    lastLineAt: undefined,
    jobEnds: NO_ENDS,
    lostJobEnds: 0,
  };
  return {
    events: () => [],
    read: async () => ({ ...all, events: [], ...reading }) as RunnerLogReading,
  };
}

test('a log that can be read passes with any content, and its events are reported', async () => {
  await using root = await rootFolder({ '/runner.log': '' });
  using open = watchLog({ kind: 'file', path: '/runner.log' }, root.paths);
  const tools = { runnerLog: open.watch };
  await runProbe(runnerLog, SERVICE, { tools });
  const fields = { runner: 'abc12defg', status: '502 Bad Gateway' };
  const line = inColours({ level: 'warning', message: 'Checking for jobs... failed', fields });
  await appendFile(join(root.paths.rootfs, 'runner.log'), `${line}\n`);
  await until(() => open.newEvents.length > 0);

  expect(await runProbe(runnerLog, SERVICE, { tools })).toMatchObject({
    status: 'pass',
    measures: { lines: 1, dropped_lines: 0, last_line_timestamp_seconds: expect.any(Number) },
    facts: { source: '/runner.log', latest: expect.stringMatching(/502 Bad Gateway$/) },
    events: [{ kind: 'poll-failed', cause: 'gitlab-bad-gateway', runner: 'abc12defg' }],
  });
});

test('an idle runner writes nothing, and that is nothing', async () => {
  expect(await runProbe(runnerLog, SERVICE, { tools: { runnerLog: doorOf({}) } })).toEqual({
    status: 'pass',
    measures: {
      lines: 0,
      dropped_lines: 0,
      ended_jobs: 0,
      system_failed_jobs: 0,
      timed_out_jobs: 0,
      cancelled_jobs: 0,
      lost_job_ends: 0,
    },
    facts: { source: 'x' },
    events: [],
  });
});

test('the ends of jobs are counted by how they came', async () => {
  const jobEnds = { ...NO_ENDS, succeeded: 5, 'system-failed': 2, cancelled: 1 } as const;
  const tools = { runnerLog: doorOf({ jobEnds: { ...jobEnds }, lostJobEnds: 1 } as never) };

  expect(await runProbe(runnerLog, SERVICE, { tools })).toMatchObject({
    measures: { ended_jobs: 8, system_failed_jobs: 2, cancelled_jobs: 1, lost_job_ends: 1 },
  });
});

test.each([
  ['not-allowed', 'not-allowed'],
  ['failed', 'unreadable'],
] as const)('a log that is %s is unknown', async (state, reason) => {
  const tools = { runnerLog: doorOf({ state, detail: 'why' }) };

  expect(await runProbe(runnerLog, SERVICE, { tools })).toMatchObject({
    status: 'unknown',
    reason,
    detail: 'why',
  });
});

test('a place without a log has no such check', () => {
  const logged: Place = { ...PACKAGED_PLACE, log: { kind: 'file', path: '/runner.log' } };
  const applies = [PACKAGED_PLACE, logged].map((place) => runnerLog.applies?.(SERVICE, place));

  expect(applies).toEqual([false, true]);
});

test.each([
  [2, 0, 'pass'],
  [3, 0, 'unknown'],
  [3, 1, 'pass'],
])('of %i lines %i in the form of the runner: %s', async (lines, understoodLines, status) => {
  const tools = { runnerLog: doorOf({ lines, understoodLines, detail: '/var/log/other.log' }) };
  const { reason = 'none', ...found } = { ...(await runProbe(runnerLog, SERVICE, { tools })) } as {
    status: string;
    reason?: string;
  };

  expect(found.status).toBe(status);
  expect(reason).toBe(status === 'unknown' ? 'not-understood' : 'none');
});
