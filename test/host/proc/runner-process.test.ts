import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { HOST_PATHS } from '../../../src/core/paths.ts';
import {
  bootTime,
  chooseRunnerProcess,
  configOf,
  findRunnerProcesses,
  parseEnvironment,
  parseStat,
} from '../../../src/host/proc/runner-process.ts';
import { rootFolder } from '../../support/dns-server.ts';
import type { ProcProcess } from '../../support/proc-process.ts';
import { BOOTED_SECONDS, PROC_STAT, procProcess } from '../../support/proc-process.ts';
import { runnerProcess } from '../../support/runner-process.ts';

async function find(processes: Readonly<Record<number, ProcProcess>>) {
  const files = Object.entries(processes).map(([pid, one]) => procProcess(Number(pid), one));
  await using root = await rootFolder({ ...PROC_STAT, ...Object.assign({}, ...files) });
  return await findRunnerProcesses(root.paths);
}

test('a process is read with its user, start, state, environment and config', async () => {
  const args = ['/usr/bin/gitlab-runner', 'run', '--config', '/srv/config.toml'];
  const environment = ['HOME=/root', 'A=1=2', 'A=3', 'EMPTY=', 'broken'];

  expect(await find({ 42: { args, uid: 998, startedSeconds: 12.5, environment } })).toEqual([
    {
      pid: 42,
      uid: 998,
      startedAt: (BOOTED_SECONDS + 12.5) * 1000,
      startTicks: 1250,
      state: 'S',
      arguments: args,
      environment: { HOME: '/root', A: '1=2', EMPTY: '' },
      configPath: '/srv/config.toml',
      configFoundBy: 'process-argument',
    },
  ]);
});

test('zombies, helpers and one-off commands are left out; the eldest comes first', async () => {
  const found = await find({
    10: { args: ['gitlab-runner', 'run'], startedSeconds: 9 },
    11: { args: ['gitlab-runner', 'run'], startedSeconds: 3 },
    12: { args: ['gitlab-runner', 'run'], state: 'Z' },
    13: { args: ['gitlab-runner', 'register'] },
    14: { args: [] },
  });

  expect(found.map(({ pid }) => pid)).toEqual([11, 10]);
});

test('a process whose environment is hidden is still found, without one', async () => {
  const [found] = await find({ 10: { args: ['gitlab-runner', 'run'], uid: 5 } });

  expect(found).not.toHaveProperty('environment');
});

test('a relative config is taken from the working directory', async () => {
  const args = ['gitlab-runner', 'run', '-c=conf/x.toml'];
  await using root = await rootFolder({ ...PROC_STAT, ...procProcess(10, { args }) });
  await symlink('/srv/runner', join(root.paths.procfs, '10/cwd'));

  expect(await findRunnerProcesses(root.paths)).toMatchObject([
    { workingDirectory: '/srv/runner', configPath: '/srv/runner/conf/x.toml' },
  ]);
});

test('entries that vanish while they are read cost nothing', async () => {
  await using root = await rootFolder({ ...PROC_STAT, '/proc/8/cmdline': 'gitlab-runner\0run\0' });
  await mkdir(join(root.paths.procfs, '9'));

  expect(await findRunnerProcesses(root.paths)).toEqual([]);
});

test('without a /proc there is no process', async () => {
  await using root = await rootFolder({});

  expect(await findRunnerProcesses(root.paths)).toEqual([]);
});

test('a real process is found, with its real start and its real folder', async () => {
  // Node runs the file `run` and shows up as the runner does.
  await using root = await rootFolder({ '/run': 'setInterval(() => {}, 1000); console.log(1)' });
  const { rootfs } = root.paths;
  const args = ['run', '--config', 'own.toml'];
  const child = spawn(process.execPath, args, { argv0: 'gitlab-runner', cwd: rootfs });
  await once(child.stdout, 'data');

  const found = await findRunnerProcesses(HOST_PATHS);
  child.kill('SIGKILL');

  const ours = found.find(({ pid }) => pid === child.pid);
  expect(ours).toMatchObject({
    uid: process.getuid?.(),
    arguments: ['gitlab-runner', ...args],
    environment: { PATH: process.env['PATH'] },
    configPath: join(rootfs, 'own.toml'),
  });
  expect(Math.abs((ours?.startedAt ?? 0) - Date.now())).toBeLessThan(60_000);
});

test.each([
  [['-c', '/a'], undefined, 0, ['/a', 'process-argument']],
  [['--config=/a', '--config', '/b'], undefined, 0, ['/b', 'process-argument']],
  [['-config', 'x/y'], undefined, 0, ['/work/x/y', 'process-argument']],
  [[], { CONFIG_FILE: 'z' }, 0, ['/work/z', 'process-environment']],
  [[], { CONFIG_FILE: '' }, 0, ['/etc/gitlab-runner/config.toml', 'default']],
  [[], undefined, 0, ['/etc/gitlab-runner/config.toml', 'default']],
  [[], { HOME: '/home/ci' }, 998, ['/home/ci/.gitlab-runner/config.toml', 'default']],
  [[], {}, 998, ['/work/config.toml', 'default']],
] as const)(
  'arguments %j with environment %j of user %d: %j',
  (args, environment, uid, [path, by]) => {
    expect(configOf(args, environment, uid, '/work')).toEqual({
      configPath: path,
      configFoundBy: by,
    });
  },
);

test('the name in /proc/PID/stat may hold blanks and brackets', () => {
  expect(parseStat('7 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20')).toEqual({
    state: 'R',
    startTicks: 4711,
  });
  expect(parseStat('')).toBeUndefined();
});

test('the boot is a line of /proc/stat', () => {
  expect(bootTime('cpu 1\nbtime 1000\nprocesses 9\n')).toBe(1_000_000);
  expect(bootTime('')).toBe(0);
});

test('an environment is what Go makes of it: the first of two equal keys', () => {
  expect(parseEnvironment('A=1\0B=x=y\0A=2\0=odd\0plain\0')).toEqual({ A: '1', B: 'x=y' });
});

test('the process on the wanted file is chosen, without a wish the eldest', () => {
  const one = runnerProcess({ configPath: '/a' });
  const two = runnerProcess({ configPath: '/b' });

  expect(chooseRunnerProcess([one, two], undefined)).toBe(one);
  expect(chooseRunnerProcess([one, two], '/b')).toBe(two);
  expect(chooseRunnerProcess([one, two], '/c')).toBeUndefined();
});
