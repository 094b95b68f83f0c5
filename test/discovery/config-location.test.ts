/** Where the runner's files are, for every way in which a runner is started. */
import { describe, expect, test } from 'vitest';

import { certsDirectoryOf, locateConfig } from '../../src/discovery/config-location.ts';
import { systemIdPath } from '../../src/host/place/runner-files.ts';
import { runnerProcess } from '../support/runner-process.ts';

const DAEMON = { uid: 1000, home: '/home/watch' };

describe('config.toml', () => {
  const argument = runnerProcess({ configPath: '/srv/config.toml' });
  const environment = runnerProcess({
    configPath: '/opt/glr.toml',
    configFoundBy: 'process-environment',
  });

  test.each([
    ['the flag wins', { flag: '/a/b.toml', process: argument }, '/a/b.toml', 'flag'],
    ['the argument of the process', { process: argument }, '/srv/config.toml', 'process-argument'],
    ['its CONFIG_FILE', { process: environment }, '/opt/glr.toml', 'process-environment'],
    [
      'a relative path goes by the process',
      { process: runnerProcess({ configPath: 'c.toml', workingDirectory: '/srv' }) },
      '/srv/c.toml',
      'process-argument',
    ],
    [
      'root without a process',
      { process: undefined, uid: 0 },
      '/etc/gitlab-runner/config.toml',
      'default',
    ],
    [
      'a user without a process',
      { process: undefined },
      '/home/watch/.gitlab-runner/config.toml',
      'default',
    ],
  ] as const)('%s', (_, question, path, foundBy) => {
    expect(locateConfig({ ...DAEMON, ...question })).toEqual({ path, foundBy });
  });
});

describe('the certs directory', () => {
  test.each([
    ['no process', undefined, '/etc/gitlab-runner/certs'],
    [
      'root, whatever its config',
      runnerProcess({ configPath: '/srv/c.toml' }),
      '/etc/gitlab-runner/certs',
    ],
    [
      'a user goes by HOME',
      runnerProcess({
        uid: 998,
        environment: { HOME: '/var/lib/glr' },
        configPath: '/var/lib/glr/config.toml',
      }),
      '/var/lib/glr/.gitlab-runner/certs',
    ],
    [
      'a user whose environment is hidden, on its default config',
      runnerProcess({
        uid: 998,
        configPath: '/home/glr/.gitlab-runner/config.toml',
        configFoundBy: 'default',
      }),
      '/home/glr/.gitlab-runner/certs',
    ],
    [
      'a user of whom nothing is known',
      runnerProcess({ uid: 998, configPath: '/srv/c.toml' }),
      '/home/watch/.gitlab-runner/certs',
    ],
  ])('%s', (_, process, expected) => {
    expect(certsDirectoryOf(process, DAEMON.home)).toBe(expected);
  });
});

test('the system id lies beside the config', () => {
  expect(systemIdPath('/srv/config.toml')).toBe('/srv/.runner_system_id');
});
