/** The cgroup probe at real groups: a quota that stops, a limit that kills, and the kernel's own log. */
import { once } from 'node:events';

import { expect, test } from 'vitest';

import { createCgroup } from '../../src/probes/cgroup.ts';
import { makeGroup } from '../support/control-group.ts';
import { runProbe } from '../support/run-probe.ts';
import { until } from '../support/until.ts';
import { ofProcess, SERVICE } from './limits-bodies.ts';

test('a quota of 5 % stops a busy process in every period', async () => {
  await using group = await makeGroup('cpu', { 'cpu.cfs_quota_us': '5000' });
  const child = await group.start('sh', '-c', 'echo ready; while :; do :; done');
  await until(async () => /nr_throttled [1-9]/.test(await group.read('cpu.stat')));

  const finding = await runProbe(createCgroup(), SERVICE, ofProcess(child.pid));

  expect(finding).toMatchObject({ status: 'warn', reason: 'throttled' });
  expect(finding.measures?.throttled_ratio).toBeGreaterThan(0.5);
});

/** Takes memory on request, a bit at a time. */
const EATER = `
  console.log('ready');
  process.once('SIGUSR1', () => {
    const held = [];
    setInterval(() => held.push(Buffer.alloc(8 * 1024 * 1024, 1)), 5);
  });
  setInterval(() => {}, 1000);
`;

test('a runner that the kernel kills in its group is named with its number', async () => {
  await using group = await makeGroup('memory', { 'memory.limit_in_bytes': '120M' });
  const child = await group.start(process.execPath, '-e', EATER);
  const probe = createCgroup();
  const before = await runProbe(probe, SERVICE, ofProcess(child.pid));

  const ended = once(child, 'exit');
  child.kill('SIGUSR1');
  const [, signal] = (await ended) as [number | null, string | null];
  const after = await runProbe(probe, SERVICE);

  expect(before).toMatchObject({
    status: 'pass',
    measures: { memory_limit_bytes: 120 * 1024 ** 2 },
  });
  expect(signal).toBe('SIGKILL');
  expect(after).toMatchObject({
    status: 'fail',
    reason: 'oom-killed',
    facts: { pid: child.pid, where: 'its control group' },
  });
});
