/** A real Prometheus scrapes the running daemon, and the query for the root cause returns what is wrong. */
import { spawnSync } from 'node:child_process';

import { expect, test } from 'vitest';

import { DEMO_FAULTS } from '../src/demo/faults.ts';
import { sendRequest } from './support/http-client.ts';
import { programStage } from './support/program-stage.ts';
import { startProgram } from './support/program.ts';
import { startPrometheus } from './support/prometheus.ts';
import { until } from './support/until.ts';

test('the cause of a fault appears in Prometheus with severity and target, and goes when it is healed', async () => {
  await using scene = await programStage();
  const fault = DEMO_FAULTS.find(({ id }) => id === 'unknown-authority');
  await fault?.on(scene.stage);
  await using program = startProgram(['serve', ...scene.flags, '--web.listen-address=127.0.0.1:0']);
  const [, address = ''] = await program.until(/http:\/\/(127\.0\.0\.1:\d+)/);
  await using prometheus = await startPrometheus(address);
  const causes = async () => await prometheus.query('runnerwatch_root_cause_info');

  await until(async () => (await causes()).length > 0);

  const [cause] = await causes();
  expect(cause?.metric).toMatchObject({
    cause: 'tls-unknown-authority',
    severity: 'critical',
    target: `https://gitlab.demo.test:${scene.stage.gitlab.port}/`,
    job: 'runnerwatch',
  });
  const joined =
    'runnerwatch_runner_cause_info * on (job, instance, runner) group_left (executor) runnerwatch_runner_info';
  expect((await prometheus.query(joined)).map(({ metric }) => metric['executor'])).toEqual(
    expect.arrayContaining(['docker', 'shell']),
  );

  await fault?.off(scene.stage);
  // Not only a scrape that came too late.
  const healthy = 'runnerwatch_verdict{verdict="healthy"} == 1 and on () up == 1';
  await until(async () => (await prometheus.query(healthy)).length === 1);
  expect(await causes()).toEqual([]);
});

test('promtool has nothing to say about the live page', async () => {
  await using scene = await programStage();
  await using program = startProgram(['serve', ...scene.flags, '--web.listen-address=127.0.0.1:0']);
  const [, address = ''] = await program.until(/(http:\/\/127\.0\.0\.1:\d+)/);
  await program.until(/to=healthy/);

  const { text } = await sendRequest(`${address}/metrics`);
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });

  expect([status, stdout, stderr]).toEqual([0, '', '']);
  const broken = text.replace('# HELP runnerwatch_build_info', '# HELP runnerwatch_buildInfo');
  expect(spawnSync('promtool', ['check', 'metrics'], { input: broken }).status).not.toBe(0);
});
