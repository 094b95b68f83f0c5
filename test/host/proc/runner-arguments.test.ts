import { expect, test } from 'vitest';

import { runnerArguments } from '../../../src/host/proc/runner-arguments.ts';

test.each([
  [['gitlab-runner', 'run']],
  [['/usr/bin/gitlab-runner', 'run', '--config', '/etc/gitlab-runner/config.toml']],
  [['/opt/gitlab-runner-linux-amd64', 'run']],
  [['gitlab-runner-linux-amd64-fips', 'run']],
  [['gitlab-runner', '--debug', '--log-level', 'debug', 'run']],
  [['gitlab-runner', '--log-level=debug', '-l', 'info', 'run']],
])('%j is a main runner process', (args) => {
  expect(runnerArguments(args)).toEqual(args);
});

test.each([
  [[]],
  [['gitlab-runner']],
  [['gitlab-runner', 'verify']],
  [['gitlab-runner', 'exec', 'run']],
  [['gitlab-runner', '--log-level', 'run']],
  [['gitlab-runner-helper', 'run']],
  [['/usr/bin/grep', 'gitlab-runner', 'run']],
  [['sh', '-c', 'gitlab-runner run']],
  [['/usr/bin/dumb-init', 'gitlab-runner', 'run']],
  [['sudo', 'gitlab-runner', 'run']],
  [['python3', '/opt/deploy.py', 'gitlab-runner', 'run']],
  [['node', '--enable-source-maps']],
  [['less gitlab-runner run', '']],
])('%j is none', (args) => {
  expect(runnerArguments(args)).toBeUndefined();
});

const RUN = ['/usr/bin/gitlab-runner', 'run', '--config', '/srv/config.toml'];

test.each([
  ['an emulator', ['/usr/bin/qemu-aarch64-static', ...RUN]],
  ['a loader', ['/lib64/ld-linux-x86-64.so.2', ...RUN]],
  ['an interpreter with flags', ['/usr/bin/node', '--no-warnings', ...RUN]],
  ['its own title', [RUN.join(' '), '', '', '']],
])('behind %s the arguments are its own', (_what, args) => {
  expect(runnerArguments(args)).toEqual(RUN);
});

test('an interpreter that was given its name shows its script', () => {
  const args = ['gitlab-runner', '/opt/runner.js', 'run', '--config', '/srv/config.toml'];

  expect(runnerArguments(args)).toEqual(args);
});
