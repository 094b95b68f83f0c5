/** What there is to probe, out of config texts, processes and mount tables. */
import { describe, expect, test } from 'vitest';

import { readRunnerText } from '../../src/config/runner/runner-config.ts';
import type { TargetsQuestion } from '../../src/discovery/endpoint-target.ts';
import type { FoundTargets } from '../../src/discovery/targets.ts';
import { targetsOf } from '../../src/discovery/targets.ts';
import type { Mount } from '../../src/host/fs/mounts.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { runnerProcess } from '../support/runner-process.ts';

const FILE = '/etc/gitlab-runner/config.toml';

function mount(mountPoint: string, over: Partial<Mount> = {}): Mount {
  return {
    mountPoint,
    fileSystemType: 'ext4',
    device: '/dev/sda1',
    mountOptions: ['rw'],
    superOptions: ['rw'],
    ...over,
  };
}

/** Targets of a config text; the process is root's, with an empty environment. */
function found(text: string, over: Partial<TargetsQuestion> = {}): FoundTargets {
  const { document, problems } = readRunnerText(text, FILE);
  return targetsOf({
    document,
    reading: { path: FILE, foundBy: 'process-argument', readAt: 0, problems },
    process: runnerProcess({ environment: {} }),
    mounts: [mount('/')],
    place: PACKAGED_PLACE,
    systemId: undefined,
    ...over,
  });
}

/** Every target has the place of its runner. */
const AT = { place: PACKAGED_PLACE.id };

const entry = (lines: string): string => `[[runners]]\n${lines}\n`;
const GITLAB = 'url = "https://gitlab.test/"';

test('one entry gives one endpoint, one runner, and the targets of the host', () => {
  const text = entry(
    `name = "docker-1"\n${GITLAB}\ntoken = "glrt-t1_t9Wkyj-HGRkqQcanary"\nexecutor = "docker"`,
  );

  const { runners, ...rest } = found(text, { systemId: 's_0123456789ab' });

  expect(rest).toEqual({
    host: { kind: 'host', id: 'host' },
    config: {
      kind: 'config',
      ...AT,
      id: FILE,
      reading: { path: FILE, foundBy: 'process-argument', readAt: 0, problems: [] },
    },
    service: {
      kind: 'service',
      ...AT,
      id: 'gitlab-runner.service',
    },
    mounts: [
      {
        kind: 'mount',
        ...AT,
        id: '/',
        fileSystemType: 'ext4',
        readOnly: false,
        path: '/var/lib/docker',
        roles: ['Docker root', 'config', 'TMPDIR', 'home', '/var/log', '/'],
        jobFolders: [{ runner: 't9Wkyj-HG' }],
        isOfJobs: true,
      },
    ],
    endpoints: [
      {
        kind: 'endpoint',
        ...AT,
        id: 'https://gitlab.test/',
        url: expect.objectContaining({ href: 'https://gitlab.test/' }),
        trust: { certsDirectory: '/etc/gitlab-runner/certs' },
        proxy: { kind: 'direct', because: 'HTTPS_PROXY is not set' },
      },
    ],
    executors: [
      {
        kind: 'executor',
        ...AT,
        id: 'unix:///var/run/docker.sock',
        executor: 'docker',
        runners: ['t9Wkyj-HG'],
        backend: { kind: 'docker', source: 'default address' },
        gitlabs: [{ host: 'gitlab.test', port: 443 }],
      },
    ],
    problems: [],
  });
  expect(runners).toMatchObject([
    {
      kind: 'runner',
      id: 't9Wkyj-HG',
      name: 'docker-1',
      executor: 'docker',
      url: 'https://gitlab.test/',
      endpoint: 'https://gitlab.test/',
      systemId: 's_0123456789ab',
      line: 1,
    },
  ]);
  expect(runners[0]?.token.reveal()).toBe('glrt-t1_t9Wkyj-HGRkqQcanary');
  expect(JSON.stringify({ runners, rest })).not.toContain('canary');
});

test('spellings of one URL share an endpoint; the case of its host and trust files part them', () => {
  const text = [
    entry('url = "https://gitlab.test"\ntoken = "glrt-aaaaaaaaa"'),
    entry('url = "https://GITLAB.test/ci/"\ntoken = "glrt-bbbbbbbbb"'),
    entry(`${GITLAB}\ntoken = "glrt-ccccccccc"\ntls-ca-file = "certs/own.pem"`),
    entry('url = "http://other.test/"\ntoken = "glrt-ddddddddd"\ntls-ca-file = "/own.pem"'),
  ].join('');

  const { endpoints, runners } = found(text);

  expect(endpoints.map(({ id, trust }) => [id, trust.caFile])).toEqual([
    ['https://gitlab.test/', undefined],
    // Go keeps the case of a host: it is another Host header, and another file in certs.
    ['https://GITLAB.test/', undefined],
    [
      'https://gitlab.test/#ca=/home/gitlab-runner/certs/own.pem',
      '/home/gitlab-runner/certs/own.pem',
    ],
    ['http://other.test/', '/own.pem'],
  ]);
  expect(runners.map(({ endpoint }) => endpoint)).toEqual([
    'https://gitlab.test/',
    'https://GITLAB.test/',
    'https://gitlab.test/#ca=/home/gitlab-runner/certs/own.pem',
    'http://other.test/',
  ]);
});

test('ids of runners are unique, also for equal and for blank tokens', () => {
  const text = ['glrt-aaaaaaaaaaa', 'glrt-aaaaaaaaaaa', '', '  ', 'short']
    .map((token) => entry(`${GITLAB}\ntoken = "${token}"`))
    .join('');

  expect(found(text).runners.map(({ id }) => id)).toEqual([
    'aaaaaaaaa',
    'aaaaaaaaa#2',
    'entry-3',
    'entry-4',
    'short',
  ]);
});

test('the proxy and the roots are those of the process', () => {
  const environment = {
    HTTPS_PROXY: 'http://me:canary@proxy.test:3128',
    SSL_CERT_FILE: '/x.pem',
    SSL_CERT_DIR: '/a:/b',
  };
  const { endpoints } = found(entry(GITLAB), { process: runnerProcess({ environment }) });

  expect(endpoints).toMatchObject([
    {
      proxy: { kind: 'proxy', host: 'proxy.test', port: 3128, variable: 'HTTPS_PROXY' },
      trust: { systemFile: '/x.pem', systemDirectories: ['/a', '/b'] },
    },
  ]);
  expect(JSON.stringify(endpoints)).not.toContain('canary');
});

test.each([
  ['no process', undefined, 'the runner is not running, so its proxy settings are unknown'],
  [
    'a hidden environment',
    runnerProcess(),
    'the environment of process 4711 cannot be read, so its proxy settings are unknown',
  ],
])('%s: the decision says what it does not know', (_, process, because) => {
  expect(found(entry(GITLAB), { process }).endpoints[0]?.proxy).toEqual({
    kind: 'direct',
    because,
  });
});

test('where the environment of the process is hidden, the proxy is that of its unit', () => {
  const unitEnvironment = { HTTPS_PROXY: 'http://proxy.test:3128' };
  const { endpoints } = found(entry(GITLAB), { process: runnerProcess(), unitEnvironment });

  expect(endpoints[0]?.proxy).toMatchObject({ kind: 'proxy', host: 'proxy.test' });
});

describe('url and token out of the environment', () => {
  const text = entry('name = "a"\nurl = "https://$HOST/"\ntoken = "$RUNNER_TOKEN"');

  test('are expanded', () => {
    const process = runnerProcess({
      environment: { HOST: 'gitlab.test', RUNNER_TOKEN: 'glrt-abcdefghijk' },
    });
    const { runners, problems } = found(text, { process });

    expect(runners).toMatchObject([{ id: 'abcdefghi', endpoint: 'https://gitlab.test/' }]);
    expect(problems).toEqual([]);
  });

  test('an unset variable is named with its place', () => {
    const process = runnerProcess({ environment: { HOST: 'gitlab.test' } });
    const { runners, problems } = found(text, { process });

    expect(runners).toMatchObject([{ id: 'entry-1', endpoint: 'https://gitlab.test/' }]);
    expect(problems).toMatchObject([
      {
        code: 'env-unset',
        file: FILE,
        line: 4,
        column: 9,
        key: 'runners.token',
        message:
          'token of entry "a" uses $RUNNER_TOKEN, which is not set for the runner process: token becomes empty',
      },
    ]);
  });

  test('an environment that cannot be read is said so, and nothing is tried', () => {
    const { runners, endpoints, problems } = found(text, { process: runnerProcess() });

    expect(runners.map(({ id, endpoint }) => [id, endpoint])).toEqual([['entry-1', undefined]]);
    expect(endpoints).toEqual([]);
    expect(problems.map(({ code, line }) => [code, line])).toEqual([
      ['env-unreadable', 3],
      ['env-unreadable', 4],
    ]);
  });

  test('a token that cannot be known keeps its runner from being tried, not its endpoint', () => {
    const { runners, endpoints } = found(entry(`${GITLAB}\ntoken = "$T"`), { process: undefined });

    expect(runners[0]?.endpoint).toBeUndefined();
    expect(endpoints).toHaveLength(1);
  });
});

test.each([
  ['gitlab.test', 'does not start with http:// or https://: "gitlab.test"'],
  ['', 'is empty'],
  ['ftp://me:canary@host', 'does not start with http:// or https://: "ftp://host"'],
])('the url %j keeps its entry from an endpoint', (url, why) => {
  const { runners, endpoints, problems } = found(entry(`name = "a"\nurl = "${url}"\ntoken = "x"`));

  expect(endpoints).toEqual([]);
  expect(runners).toHaveLength(1);
  expect(problems).toMatchObject([{ code: 'url-invalid', message: `the url of entry "a" ${why}` }]);
  expect(JSON.stringify([runners, problems])).not.toContain('canary');
});

describe('mounts', () => {
  const mounts = [
    mount('/'),
    mount('/data', { fileSystemType: 'nfs4', superOptions: ['ro'] }),
    mount('/data/builds', { fileSystemType: 'xfs' }),
    mount('/tmp', { fileSystemType: 'tmpfs' }),
    mount('/var/lib/docker', { fileSystemType: 'xfs' }),
  ];
  const roles = (text: string, over: Partial<TargetsQuestion> = {}) =>
    found(text, { mounts, ...over }).mounts.map(({ id, path, roles }) => [id, path, ...roles]);

  test('a shell entry writes its folders on this host', () => {
    const text = entry(
      'name = "s"\nexecutor = "shell"\nbuilds_dir = "/data/builds"\ncache_dir = "/data/cache"',
    );

    expect(roles(text)).toEqual([
      ['/data/builds', '/data/builds', 'builds_dir of s'],
      ['/data', '/data/cache', 'cache_dir of s'],
      ['/', '/etc/gitlab-runner', 'config', 'home', '/var/log', '/'],
      ['/tmp', '/tmp', 'TMPDIR'],
    ]);
  });

  test('folders that are not named lie in the working directory', () => {
    const process = runnerProcess({
      environment: { TMPDIR: '/data/tmp' },
      workingDirectory: '/data/home',
    });

    expect(roles(entry('executor = "shell"'), { process })).toEqual([
      ['/data', '/data/home/builds', 'builds_dir of entry 1', 'cache_dir of entry 1', 'TMPDIR'],
      ['/', '/etc/gitlab-runner', 'config', 'home', '/var/log', '/'],
    ]);
  });

  test.each([
    ['', true],
    ['[runners.docker]\nhost = "unix:///run/docker.sock"', true],
    ['[runners.docker]\nhost = "tcp://10.0.0.2:2376"', false],
  ])('a docker entry with %j writes the root of a Docker on this host: %s', (lines, isHere) => {
    const ids = found(entry(`executor = "docker"\nbuilds_dir = "/data/builds"\n${lines}`), {
      mounts,
    }).mounts.map(({ id }) => id);

    expect(ids.includes('/var/lib/docker')).toBe(isHere);
    expect(ids).not.toContain('/data/builds');
  });

  test('a file system that is read-only in itself is marked', () => {
    const text = entry('executor = "custom"\nbuilds_dir = "/data/x"');

    expect(found(text, { mounts }).mounts.map(({ id, readOnly }) => [id, readOnly])).toEqual([
      ['/data', true],
      ['/', false],
      ['/tmp', false],
    ]);
  });
});

test('without a document there are the targets of the host alone', () => {
  const { endpoints, runners, mounts } = found('', { document: undefined });

  expect({ endpoints, runners }).toEqual({ endpoints: [], runners: [] });
  expect(mounts).toMatchObject([{ id: '/', roles: ['config', 'TMPDIR', 'home', '/var/log', '/'] }]);
});

test('the certs files carry the host as url spells it', () => {
  const { endpoints } = found(
    entry('url = "https://GitLab.Example.com:8443/"\ntoken = "glrt-AAAAAAAAA"'),
  );

  const [endpoint] = endpoints;
  expect(endpoint?.trust.certsHost ?? endpoint?.url.hostname).toBe('GitLab.Example.com');
});

function entryWith(url: string, token: string): string {
  return `[[runners]]\nname = "a"\nurl = "${url}"\ntoken = "${token}"\nexecutor = "shell"\n`;
}

describe('a runner older than 18.10 fills in no variables', () => {
  const go = { text: 'go1.21.9', minor: 21, defaults: {}, toml: 'v1.3.2' };
  const environment = { HOST: 'gitlab.example.com', TOKEN: 'glrt-real' };
  const read = (text: string, over: Partial<TargetsQuestion['process']> = { go }) =>
    found(text, { process: runnerProcess({ environment, ...over }) });

  test('url and token that name one are problems, and are not used', () => {
    const { problems, endpoints } = read(entryWith('https://$HOST/', '$TOKEN'));
    expect(problems.map(({ code, key }) => `${code} ${key}`)).toEqual([
      'env-not-filled runners.url',
      'env-not-filled runners.token',
    ]);
    expect(endpoints).toEqual([]);
  });

  test('a newer one fills them in', () => {
    const { problems, endpoints } = read(entryWith('https://$HOST/', '$TOKEN'), {});
    expect(problems).toEqual([]);
    expect(endpoints.map(({ url }) => url.hostname)).toEqual(['gitlab.example.com']);
  });

  test('one that does not show whether it does leaves both untried', () => {
    const unclear = { ...go, toml: 'v1.6.0' };
    const { problems, endpoints, runners } = read(entryWith('https://$HOST/', '$TOKEN'), {
      go: unclear,
    });
    expect(problems.map(({ code, key }) => `${code} ${key}`)).toEqual([
      'env-filling-unknown runners.url',
      'env-filling-unknown runners.token',
    ]);
    expect(endpoints).toEqual([]);
    expect(runners.map(({ endpoint }) => endpoint)).toEqual([undefined]);
  });

  test('while it is down, the program that starts next decides', () => {
    const text = entryWith('https://$HOST/', '$TOKEN');
    const down = { process: undefined, unitEnvironment: environment };
    const codes = (program: TargetsQuestion['program']) =>
      found(text, { ...down, program }).problems.map(({ code }) => code);
    expect(codes({ go })).toEqual(['env-not-filled', 'env-not-filled']);
    expect(codes({ go: { ...go, toml: 'v1.6.0', steps: 'v0.44.0' } })).toEqual([]);
    expect(codes({})).toEqual([]);
  });

  test('a dollar that names none stays as it is written', () => {
    const { problems, endpoints } = read(
      entryWith('https://me:pa$word@gitlab.example.com/', 'glrt-a'),
    );
    expect(problems).toEqual([]);
    expect(endpoints[0]?.url.credentials?.password.reveal()).toBe('pa$word');
  });
});
