/** The limits probe at real limits: rlimits, control groups, networks of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import { createLimits } from '../../src/probes/limits.ts';
import { makeGroup } from '../support/control-group.ts';
import { createNetwork } from '../support/network-namespace.ts';
import { runBody } from '../support/run-body.ts';
import { runProbe } from '../support/run-probe.ts';
import { recordReason, SEEN_VARIABLE } from '../support/recorded-reasons.ts';
import { lookAsNobody, ofProcess, SERVICE, takeAllPorts, trackDatagrams } from './limits-bodies.ts';

const BODIES = import.meta.resolve('./limits-bodies.ts');

/** Opens files until it has so many, then says so and stays. */
const HOLDER = `
  const fs = require('node:fs');
  while (fs.readdirSync('/proc/self/fd').length < Number(process.argv[1])) fs.openSync('/dev/null');
  console.log('ready');
  setInterval(() => {}, 1000);
`;

test('a runner with 62 of its 64 files open is at its limit', async () => {
  const args = ['--nofile=64:64', process.execPath, '-e', HOLDER, '63'];
  const holder = spawn('prlimit', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');

  const finding = await runProbe(createLimits(), SERVICE, ofProcess(holder.pid));
  holder.kill('SIGKILL');

  expect(finding).toMatchObject({ status: 'fail', reason: 'files' });
  expect(finding.measures?.open_files).toBeGreaterThanOrEqual(61);
});

/** Starts children until one is refused, then says so and stays; the group ends with them all. */
const FORKER = `
  const { spawn } = require('node:child_process');
  const more = () => {
    const child = spawn('sleep', ['20']);
    child.once('spawn', more);
    child.once('error', (error) => console.log(error.code));
  };
  more();
  setInterval(() => {}, 1000);
`;

test('a control group whose tasks are all taken refuses a fork, and both are seen', async () => {
  await using group = await makeGroup('pids', { 'pids.max': '24' });
  const child = await group.start(process.execPath, '-e', FORKER);

  const finding = await runProbe(createLimits(), SERVICE, ofProcess(child.pid));

  expect(finding).toMatchObject({
    status: 'fail',
    reason: 'tasks',
    detail: expect.stringMatching(/of 24 processes and threads of the control group/),
    measures: { tasks_ratio: 1 },
  });
  expect(await group.read('pids.events')).toMatch(/^max \d+/);
});

test('four ports and four connections: the fifth has none, and the peer is named', async () => {
  await using network = await createNetwork();
  await network.runner.sysctl('net.ipv4.ip_local_port_range', '40000 40003');
  const { complaint, finding } = await network.runner.run(BODIES, takeAllPorts, [
    '127.0.0.1',
    8000,
    9,
  ]);

  expect(complaint).toBe('EADDRNOTAVAIL');
  expect(finding).toMatchObject({
    status: 'fail',
    reason: 'local-ports',
    detail: '4 of 4 local ports are in use for connections to 127.0.0.1:8000',
  });
});

test('the real table of tracked connections is counted in the network of the reader', async () => {
  await using network = await createNetwork();
  await network.runner.filter('ct state new counter accept');
  const finding = await network.runner.run(BODIES, trackDatagrams, [30, 31]);

  expect(finding).toMatchObject({
    status: 'warn',
    reason: 'connection-table-filling',
    measures: { tracked_connections: expect.closeTo(30, -1) },
  });
});

test('without rights the open files of root’s runner are hidden: unknown, and no fault', async () => {
  // The file of seen reasons is root's: the caller notes what was seen.
  const env = { [SEEN_VARIABLE]: '/dev/null' };
  const finding: Finding = await runBody(BODIES, lookAsNobody, [process.pid], { env });
  recordReason('limits', finding);

  expect(finding).toMatchObject({ status: 'unknown', reason: 'blind' });
});
