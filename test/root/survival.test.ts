/** The daemon lives through what it reports: no space, no files, no processes. The real program each time. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';

import { expect, test } from 'vitest';

import { rootFolder } from '../support/dns-server.ts';
import { makeGroup } from '../support/control-group.ts';
import { inMountNamespace } from '../support/mount-namespace.ts';
import { startQuickDaemon } from '../support/quick-daemon.ts';
import { serveWithoutSpace } from './survival-bodies.ts';

const BODIES = import.meta.resolve('./survival-bodies.ts');

test('without space for its state and its log it goes on looking and answering (K-09)', async () => {
  await using root = await rootFolder({});

  const code = await inMountNamespace(BODIES, serveWithoutSpace, `${root.paths.rootfs}/mount`);

  expect(code).toBe(0);
});

function limitFiles(pid: number, soft: number): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${soft}:`]);
}

test('without a file to open it answers, says what it cannot see, and sees again later', async () => {
  await using root = await rootFolder({});
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await using daemon = await startQuickDaemon(root.paths.rootfs, {
    quick: ['memory'],
    stateDirectory: `${root.paths.rootfs}/state`,
    agent,
  });
  await daemon.untilCheck('memory', ({ status }) => status !== 'unknown');
  const open = /^FDSize:\s+(\d+)/m.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))?.[1];

  limitFiles(daemon.pid, 3);
  await daemon.untilCheck('memory', ({ reason }) => reason === 'proc-unreadable');
  limitFiles(daemon.pid, Number(open) * 16);
  await daemon.untilCheck('memory', ({ status }) => status !== 'unknown');
  agent.destroy();

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
