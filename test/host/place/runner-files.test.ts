/** Where the runner's files are, by the user of its process. */
import { describe, expect, test } from 'vitest';

import { certsDirectoryOf, systemIdPath } from '../../../src/host/place/runner-files.ts';
import { runnerProcess } from '../../support/runner-process.ts';

describe('the certs directory', () => {
  test.each([
    ['no process', undefined, '/etc/gitlab-runner/certs'],
    [
      'root, with any config',
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
      undefined,
    ],
  ])('%s', (_, process, expected) => {
    expect(certsDirectoryOf(process)).toBe(expected);
  });
});

test('the system id lies beside the config', () => {
  expect(systemIdPath('/srv/config.toml')).toBe('/srv/.runner_system_id');
});
