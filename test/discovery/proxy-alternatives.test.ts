/** Proxies that are configured on a host and not in force for its runner. */
import { describe, expect, test } from 'vitest';

import { alternativesOf } from '../../src/discovery/proxy-alternatives.ts';
import { decideProxy } from '../../src/go/proxy/decision.ts';
import { readProxyHints } from '../../src/host/net/proxy-settings.ts';
import { rootFolder } from '../support/dns-server.ts';

const GITLAB = new URL('https://gitlab.example.com/');
const UNIT = 'gitlab-runner.service';

async function found(
  files: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>> = {},
) {
  await using root = await rootFolder(files);
  const hints = await readProxyHints(UNIT, root.paths);
  return alternativesOf(GITLAB, decideProxy(GITLAB, environment), hints).map(
    ({ decision, source, isForRunner }) => {
      const route = decision.kind === 'direct' ? 'direct' : `${decision.host}:${decision.port}`;
      return `${route} ${source} ${isForRunner ? 'for the runner' : 'for another program'}`;
    },
  );
}

describe('a proxy that the process does not have', () => {
  test.each([
    ['/etc/environment', 'HTTPS_PROXY="http://proxy:3128"\n', 1, 'for the runner'],
    [
      '/etc/profile.d/proxy.sh',
      '#!/bin/sh\nexport https_proxy=http://proxy:3128\n',
      2,
      'for the runner',
    ],
    ['/etc/environment', 'ALL_PROXY=http://proxy:3128\n', 1, 'for the runner'],
    ['/etc/apt/apt.conf', 'Acquire::http::Proxy "http://proxy:3128/";\n', 1, 'for another program'],
    [
      '/etc/apt/apt.conf.d/95proxy',
      '// x\nAcquire::https::proxy "http://proxy:3128";\n',
      2,
      'for another program',
    ],
    [
      '/etc/docker/daemon.json',
      '{\n "proxies": { "https-proxy": "http://proxy:3128" }\n}',
      2,
      'for another program',
    ],
    [
      '/root/.docker/config.json',
      '{ "auths": {}, "proxies": { "default": { "httpProxy": "http://proxy:3128" } } }',
      1,
      'for another program',
    ],
  ])('in %s', async (path, text, line, whom) => {
    expect(await found({ [path]: text })).toEqual([`proxy:3128 ${path}:${line} ${whom}`]);
  });

  test('in the unit of the runner, and in that of Docker', async () => {
    const text = '[Service]\nEnvironment="HTTPS_PROXY=http://proxy:3128"\n';
    const own = `/etc/systemd/system/${UNIT}`;
    const docker = '/lib/systemd/system/docker.service';

    expect(await found({ [own]: text })).toEqual([`proxy:3128 ${own}:2 for the runner`]);
    expect(await found({ [docker]: text })).toEqual([`proxy:3128 ${docker}:2 for another program`]);
  });

  test('is listed once, with the place that was meant for the runner', async () => {
    expect(
      await found({
        '/etc/apt/apt.conf': 'Acquire::http::Proxy "http://proxy:3128";\n',
        '/etc/environment': 'HTTPS_PROXY=http://proxy:3128\n',
      }),
    ).toEqual(['proxy:3128 /etc/environment:1 for the runner']);
  });
});

test.each([
  'HTTP_PROXY=http://proxy:3128',
  'http_proxy=http://proxy:3128',
  'ALL_PROXY=http://proxy:3128',
  'all_proxy=http://elsewhere:1\nhttps_proxy=http://proxy:3128',
])('whoever writes %j means https:// too', async (text) => {
  expect(await found({ '/etc/environment': text })).toEqual([
    expect.stringMatching(/^proxy:3128 .* for the runner$/),
  ]);
});

describe('what says nothing new', () => {
  test.each([
    [
      'the proxy in force',
      { '/etc/environment': 'HTTPS_PROXY=http://proxy:3128' },
      { HTTPS_PROXY: 'http://proxy:3128' },
    ],
    ['a file of Docker that is no JSON', { '/etc/docker/daemon.json': '{ "https-proxy"' }, {}],
    ['an exemption without a proxy', { '/etc/environment': 'NO_PROXY=gitlab.example.com' }, {}],
    ['apt with DIRECT', { '/etc/apt/apt.conf': 'Acquire::http::Proxy "DIRECT";' }, {}],
    [
      'a file without a proxy',
      { '/etc/environment': 'PATH=/bin' },
      { HTTPS_PROXY: 'http://proxy:3128' },
    ],
  ])('%s', async (_, files, environment) => {
    expect(
      await found(files as Record<string, string>, environment as Record<string, string>),
    ).toEqual([]);
  });
});

test('an exemption that the process does not have is the direct path', async () => {
  const environment = { HTTPS_PROXY: 'http://proxy:3128' };
  const text = 'HTTPS_PROXY=http://proxy:3128\nNO_PROXY=.example.com\n';

  expect(await found({ '/etc/environment': text }, environment)).toEqual([
    'direct /etc/environment:1 for the runner',
  ]);
});
