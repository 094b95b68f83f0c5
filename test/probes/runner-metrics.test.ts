import { expect, test } from 'vitest';

import type { ServiceTarget } from '../../src/core/target.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { createRunnerMetrics } from '../../src/probes/runner-metrics.ts';
import { setClock } from '../support/clock.ts';
import { page, startCounterServer } from '../support/runner-counters.ts';
import { runProbe } from '../support/run-probe.ts';
import { closedPort } from '../support/tcp-server.ts';

const SERVICE: ServiceTarget = {
  kind: 'service',
  id: 'gitlab-runner.service',
};

function at(port: number, host = '127.0.0.1'): ServiceTarget {
  return { ...SERVICE, metrics: { host, port } };
}

test('two readings show what happened between them', async () => {
  await using server = await startCounterServer(
    page({ polls: { a: { '204': 5 } }, jobs: { a: 1 } }),
  );
  const probe = createRunnerMetrics();
  const clock = setClock();
  const runOnce = async () => await runProbe(probe, at(server.port), { tools: { clock } });
  await runOnce();
  server.answer = page({ polls: { a: { '204': 7, '-1': 1 } }, jobs: { a: 1 } });
  clock.advance(15);

  expect(await runOnce()).toMatchObject({
    status: 'pass',
    facts: { version: '19.4.0' },
    measures: {
      worked_polls: 2,
      failed_polls: 1,
      without_poll_seconds: 0,
      running_jobs: 1,
      concurrent_jobs: 4,
      longest_job_seconds: 0,
      held_slots: 0,
    },
  });
});

test('a job that has ended and keeps its slot is seen after five minutes', async () => {
  await using server = await startCounterServer(page({ jobs: { a: 1 } }));
  const url = 'https://gitlab.test/group/project/-/jobs/7';
  server.jobs = `url=${url} state=success stage=step_script executor_stage=docker_run duration=1h0m1.5s\n`;
  const probe = createRunnerMetrics();
  const clock = setClock();
  const runOnce = async () => await runProbe(probe, at(server.port), { tools: { clock } });

  expect(await runOnce()).toMatchObject({
    measures: { longest_job_seconds: 3601.5, held_slots: 0 },
  });
  clock.advance(300);
  const second = await runOnce();
  expect(second).toMatchObject({ measures: { held_slots: 1 } });
  expect(second.events?.find(({ kind }) => kind === 'slot-held')).toMatchObject({
    facts: { jobs: 1, job_url: url, job_state: 'success' },
  });
  server.jobs = '';
  expect(await runOnce()).toMatchObject({ measures: { held_slots: 0, longest_job_seconds: 0 } });
});

test('an address where nothing listens is not reached', async () => {
  const finding = await runProbe(createRunnerMetrics(), at(await closedPort()));

  expect(finding).toMatchObject({ status: 'unknown', reason: 'unreachable' });
});

test('a page without an end, another status and other numbers are no runner’s', async () => {
  await using server = await startCounterServer((response) => void response.end('node_load1 1\n'));
  const probe = createRunnerMetrics();
  const reasonNow = async () => {
    const finding = await runProbe(probe, at(server.port));
    return finding.status === 'pass' ? 'pass' : finding.reason;
  };

  expect(await reasonNow()).toBe('not-a-runner');
  server.answer = (response) => void response.writeHead(404).end();
  expect(await reasonNow()).toBe('not-a-runner');
  server.answer = (response) => {
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  };
  expect(await reasonNow()).toBe('not-a-runner');
});

test('a runner that hangs accepted the connection and did not respond', async () => {
  await using server = await startCounterServer(() => {});
  const tools = { signal: AbortSignal.timeout(200) };

  expect(await runProbe(createRunnerMetrics(), at(server.port), { tools })).toEqual({
    status: 'unknown',
    reason: 'no-answer',
    detail: `127.0.0.1:${server.port} accepted the connection and did not respond`,
  });
});

test('a service without an address has no such check', () => {
  const probe = createRunnerMetrics();

  expect([SERVICE, at(9252)].map((target) => probe.applies?.(target, PACKAGED_PLACE))).toEqual([
    false,
    true,
  ]);
});
