/** Where config.toml is, for each kind of start. */
import { describe, expect, test } from 'vitest';

import { locateConfig } from '../../src/discovery/config-location.ts';
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
