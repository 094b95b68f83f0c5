/** The daemon lives through what it reports: no space, no files, no processes. The real program each time. */
import { execFileSync } from 'node:child_process';

import { expect, test } from 'vitest';

import { rootFolder } from '../support/dns-server.ts';
import { makeGroup } from '../support/control-group.ts';
import { inMountNamespace } from '../support/mount-namespace.ts';
import { startQuickDaemon } from '../support/quick-daemon.ts';
import { until } from '../support/until.ts';
import { serveWithoutSpace } from './survival-bodies.ts';

const BODIES = import.meta.resolve('./survival-bodies.ts');

test('without space for its state and its log it continues to check and to answer', async () => {
  await using root = await rootFolder({});

  const code = await inMountNamespace(BODIES, serveWithoutSpace, `${root.paths.rootfs}/mount`);

  expect(code).toBe(0);
});

function limitFiles(pid: number, soft: number): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${soft}:`]);
}

test('without a file to open it continues, reports what it cannot read, and reads it again later', async () => {
  await using root = await rootFolder({});
  await using daemon = await startQuickDaemon(root.paths.rootfs, {
    quick: ['memory'],
    stateDirectory: `${root.paths.rootfs}/state`,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // No connection can be taken meanwhile: its log, which is open, has the proof.
  let log = '';
  daemon.process.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  await daemon.untilCheck('memory', ({ status }) => status !== 'unknown');
  const before = log.length;

  limitFiles(daemon.pid, 3);
  await until(() => /memory@host.*proc-unreadable/.test(log.slice(before)));
  limitFiles(daemon.pid, 1024);
  await daemon.untilCheck('memory', ({ status }) => status !== 'unknown');

  expect(await daemon.end()).toBe(0);
});

test('without a process to start it answers, says what it cannot see, and sees again later', async () => {
  await using root = await rootFolder({});
  await using group = await makeGroup('pids', { 'pids.max': 'max' });
  await using daemon = await startQuickDaemon(root.paths.rootfs, {
    quick: ['disk'],
    stateDirectory: `${root.paths.rootfs}/state`,
  });
  await group.adopt(daemon.pid);
  await daemon.untilCheck('disk', ({ status }) => status !== 'unknown');

  await group.write('pids.max', '1');
  await daemon.untilCheck('disk', ({ reason }) => reason === 'disk-error');
  const refusals = await group.read('pids.events');
  await group.write('pids.max', 'max');
  await daemon.untilCheck('disk', ({ reason }) => reason !== 'disk-error');

  expect(refusals).toMatch(/^max [1-9]/);
  expect(await daemon.end()).toBe(0);
});
