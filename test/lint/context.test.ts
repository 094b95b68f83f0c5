/** Rules that read the process, its environment and the host, all of it given by the test. */
import { describe, expect, test } from 'vitest';

import { lintText } from '../support/lint-text.ts';
import type { LintHost } from '../support/lint-host.ts';
import { CONFIG_PATH, ENTRY, PROCESS, fileFact, testRows as run } from '../support/lint-host.ts';

const at = (environment: Readonly<Record<string, string>>): LintHost => ({
  process: PROCESS,
  environment,
});
const url = (text: string): string => ENTRY.replace('https://gitlab.internal/', text);
const docker = (lines: string): string =>
  `concurrent = 4\n${ENTRY}  executor = "docker"\n  [runners.docker]\n${lines}`;

describe('the process', () => {
  run([
    {
      name: 'G12 a level from the environment',
      rule: 'G12',
      text: 'log_level = "info"',
      host: at({ LOG_LEVEL: 'debug' }),
      found: 'LOG_LEVEL of the runner process overrides log_level',
    },
    {
      name: 'G12 a level from a flag',
      rule: 'G12',
      text: 'log_level = "info"',
      host: {
        process: { ...PROCESS, arguments: ['gitlab-runner', '--log-level=debug', 'run'] },
        environment: {},
      },
      found: '--log-level of the runner process overrides log_level',
    },
    {
      name: 'G12 debugging from the environment',
      rule: 'G12',
      text: 'log_format = "json"',
      host: at({ RUNNER_DEBUG: '1' }),
      found: 'RUNNER_DEBUG of the runner process overrides log_format',
    },
    {
      name: 'G12 nothing from the environment',
      rule: 'G12',
      text: 'log_level = "info"',
      host: at({}),
    },
    {
      name: 'R11 a variable that is not set',
      rule: 'R11',
      text: url('$GITLAB_URL'),
      host: at({}),
      found: 'url contains $GITLAB_URL, which is not set for the runner process',
    },
    {
      name: 'R11 a variable that is set',
      rule: 'R11',
      text: url('$GITLAB_URL'),
      host: at({ GITLAB_URL: 'https://gitlab.example.com/' }),
    },
    {
      name: 'R01 what a variable holds is judged',
      rule: 'R01',
      text: url('$GITLAB_URL'),
      host: at({ GITLAB_URL: 'gitlab.example.com' }),
      found: 'the url of entry "a" does not start with http:// or https://',
    },
    {
      name: 'R13 what a variable holds is judged, and not shown',
      rule: 'R13',
      text: ENTRY.replace('glrt-0123456789abcdefghij', '$TOKEN'),
      host: at({ TOKEN: 'GR1348941abcdefghijklmnopqrst' }),
      found: 'the token of entry "a" starts with GR, as registration tokens do',
    },
    {
      name: 'R24 a proxy for jobs alone',
      rule: 'R24',
      text: `${ENTRY}  environment = ["HTTPS_PROXY=http://me:canary@proxy:3128"]`,
      host: at({}),
      found: 'HTTPS_PROXY is set for jobs, and the runner process has no proxy',
    },
    {
      name: 'R24 a proxy for both',
      rule: 'R24',
      text: `${ENTRY}  environment = ["HTTPS_PROXY=http://proxy:3128"]`,
      host: at({ https_proxy: 'http://proxy:3128' }),
    },
    {
      name: 'R25 a private GitLab through a proxy',
      rule: 'R25',
      host: at({ HTTPS_PROXY: 'http://proxy:3128' }),
      found: 'requests to gitlab.internal go through the proxy of HTTPS_PROXY',
    },
    {
      name: 'R25 a private GitLab in NO_PROXY',
      rule: 'R25',
      host: at({ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: '.internal' }),
    },
    {
      name: 'R25 a public GitLab through a proxy',
      rule: 'R25',
      text: url('https://gitlab.com/'),
      host: at({ HTTPS_PROXY: 'http://proxy:3128' }),
    },
    {
      name: 'X05 jobs as root',
      rule: 'X05',
      text: `${ENTRY}  executor = "shell"`,
      host: { process: { ...PROCESS, arguments: ['gitlab-runner', 'run'] } },
      found: 'the jobs of entry "a" run as root',
    },
    {
      name: 'X05 jobs as another user',
      rule: 'X05',
      text: `${ENTRY}  executor = "shell"`,
      host: { process: PROCESS },
    },
    {
      name: 'X04 a file system mounted with noexec',
      rule: 'X04',
      text: `${ENTRY}  executor = "shell"\n  builds_dir = "/builds"`,
      host: {
        process: { ...PROCESS, arguments: ['gitlab-runner', 'run'] },
        files: {
          '/builds': fileFact({ kind: 'directory', mode: 0o755 }),
          '/proc/812/mountinfo': fileFact({
            content: '1 0 8:1 / / rw - ext4 none rw\n2 1 0:9 / /builds rw,noexec - tmpfs none rw\n',
          }),
        },
      },
      found: 'the builds directory of entry "a" is on a file system mounted with noexec',
    },
    {
      name: 'T02 a relative path has a meaning',
      rule: 'T02',
      text: `${ENTRY}  tls-ca-file = "ca.pem"`,
      host: { process: PROCESS },
      found: 'tls-ca-file is relative: the runner reads /home/gitlab-runner/ca.pem',
    },
    {
      name: 'G16 a port of another process',
      rule: 'G16',
      text: 'listen_address = ":9252"',
      host: { listeners: [{ port: 9252, isRunner: false }] },
      found: 'another process listens on port 9252',
    },
    {
      name: 'G16 a port of the runner itself',
      rule: 'G16',
      text: 'listen_address = "localhost"',
      host: { listeners: [{ port: 9252, isRunner: true }] },
    },
    {
      name: 'G16 a port of an unknown process',
      rule: 'G16',
      text: 'listen_address = ":9252"',
      host: { listeners: [{ port: 9252, isRunner: undefined }] },
    },
    {
      name: 'G18 a port of the session server that another process uses',
      rule: 'G18',
      text: '[session_server]\nlisten_address = "10.0.0.1:8093"',
      host: { listeners: [{ port: 8093, isRunner: false }] },
      found: 'another process listens on port 8093',
    },
    {
      name: 'G20 a unit that waits longer',
      rule: 'G20',
      text: 'shutdown_timeout = 120',
      host: {
        files: {
          '/etc/systemd/system/gitlab-runner.service.d/kill.conf': fileFact({
            content: '[Service]\nTimeoutStopSec=2h\n',
          }),
        },
      },
    },
    {
      name: 'G20 a unit of another name that waits longer',
      rule: 'G20',
      text: 'shutdown_timeout = 120',
      host: {
        unit: 'gitlab-runner-2.service',
        files: {
          '/etc/systemd/system/gitlab-runner-2.service': fileFact({
            content: '[Service]\nTimeoutStopSec=2h\n',
          }),
        },
      },
    },
    {
      name: 'G20 a unit that waits as usual',
      rule: 'G20',
      text: 'shutdown_timeout = 120',
      host: { files: {} },
      found: 'shutdown_timeout is 120 s, and systemd waits 90 s',
    },
  ]);
});

describe('the size of the host', () => {
  const host: LintHost = { host: { memoryBytes: 8 * 2 ** 30, cores: 4 } };

  run([
    {
      name: 'H01 more memory than there is',
      rule: 'H01',
      text: docker('memory = "4g"'),
      host,
      found: '4 jobs of 4 GiB need 16 GiB, and the host has 8 GiB',
    },
    { name: 'H01 as much memory as there is', rule: 'H01', text: docker('memory = "2g"'), host },
    {
      name: 'H01 a limit makes it fit',
      rule: 'H01',
      text: docker('memory = "4g"').replace('executor', 'limit = 2\n  executor'),
      host,
    },
    {
      name: 'H02 more processors than there are',
      rule: 'H02',
      text: docker('cpus = "1.5"'),
      host,
      found: '4 jobs of 1.5 CPUs need 6, and the host has 4',
    },
    { name: 'H02 as many processors as there are', rule: 'H02', text: docker('cpus = "1"'), host },
  ]);
});

test('without any of it the report lists the rules that were not checked', () => {
  const { leftOut } = lintText(ENTRY, CONFIG_PATH, { now: 0 });

  expect(leftOut.map(({ because }) => because)).toEqual([
    'no runner on this host uses this file, so that the files it names were not read',
    'no gitlab-runner process uses this file',
    'the size of the runner host is not known',
    'only the daemon sees how the file changes',
  ]);
  expect(leftOut[2]?.rules).toEqual(['H01', 'H02']);
});
