/** What the executors of entries need, as the runner would find it. */
import { describe, expect, test } from 'vitest';

import { EXECUTORS, SEEN_BACKENDS } from '../../src/config/runner/executors.ts';
import { readRunnerText } from '../../src/config/runner/runner-config.ts';
import type { TargetsQuestion } from '../../src/discovery/endpoint-target.ts';
import { targetsOf } from '../../src/discovery/targets.ts';
import type { RunnerProcess } from '../../src/core/reading.ts';
import type { ExecutorTarget } from '../../src/core/target.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { runnerProcess } from '../support/runner-process.ts';

const FILE = '/etc/gitlab-runner/config.toml';

function executors(
  entries: readonly string[],
  over: Partial<RunnerProcess> = { environment: {} },
  more: Partial<TargetsQuestion> = {},
): readonly ExecutorTarget[] {
  const text = entries.map((lines, index) => {
    const head = `name = "e${index + 1}"\nurl = "https://gitlab.test/"\ntoken = "glrt-aaaaaaaa${index}"`;
    return `[[runners]]\n${head}\n${lines}\n`;
  });
  const { document, problems } = readRunnerText(text.join(''), FILE);
  return targetsOf({
    document,
    reading: { path: FILE, foundBy: 'default', readAt: 0, problems },
    process: runnerProcess(over),
    mounts: [],
    place: PACKAGED_PLACE,
    systemId: undefined,
    ...more,
  }).executors;
}

const DOCKER = 'executor = "docker"';

test('entries with the same daemon share one target, which names them', () => {
  const found = executors([DOCKER, 'executor = "shell"', DOCKER]);

  expect(found.map(({ id, runners }) => [id, runners])).toEqual([
    ['unix:///var/run/docker.sock', ['aaaaaaaa0', 'aaaaaaaa2']],
    ['/home/gitlab-runner/builds', ['aaaaaaaa1']],
  ]);
});

test.each([
  ['nothing said', DOCKER, {}, 'unix:///var/run/docker.sock', 'default address', undefined],
  [
    'DOCKER_HOST and its TLS',
    DOCKER,
    { DOCKER_HOST: 'tcp://10.0.0.2:2376', DOCKER_TLS_VERIFY: '1', HOME: '/h' },
    'tcp://10.0.0.2:2376',
    'DOCKER_HOST',
    '/h/.docker',
  ],
  [
    'DOCKER_CERT_PATH',
    DOCKER,
    { DOCKER_HOST: 'tcp://10.0.0.2:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' },
    'tcp://10.0.0.2:2376',
    'DOCKER_HOST',
    '/certs',
  ],
  [
    'host, which counts before DOCKER_HOST',
    `${DOCKER}\n[runners.docker]\nhost = "unix:///run/user/1500/podman/podman.sock"`,
    { DOCKER_HOST: 'tcp://10.0.0.2:2376', DOCKER_TLS_VERIFY: '1' },
    'unix:///run/user/1500/podman/podman.sock',
    'host of e1',
    undefined,
  ],
  [
    'host with tls_verify',
    `${DOCKER}\n[runners.docker]\nhost = "tcp://u:p@10.0.0.3:2376"\ntls_verify = true\ntls_cert_path = "/c"`,
    {},
    'tcp://10.0.0.3:2376',
    'host of e1',
    '/c',
  ],
  [
    'tls_verify without host, which the runner discards',
    `${DOCKER}\n[runners.docker]\ntls_verify = true\ntls_cert_path = "/c"`,
    {},
    'unix:///var/run/docker.sock',
    'default address',
    undefined,
  ],
] as const)('the daemon by %s', (_what, entry, environment, id, source, certificates) => {
  expect(executors([entry], { environment })).toMatchObject([
    { id, backend: { kind: 'docker', source } },
  ]);
  const [{ backend } = { backend: undefined }] = executors([entry], { environment });
  expect(backend?.kind === 'docker' ? backend.certificates : 'none').toBe(certificates);
});

test.each(EXECUTORS)(
  'an entry with the executor %j has a target, and one that is looked at says so',
  (executor) => {
    const tables =
      '[runners.autoscaler]\nplugin = "aws"\n[runners.machine]\n[runners.custom]\n[runners.kubernetes]\nhost = "https://k"';
    const [target] = executors([`executor = "${executor}"\n${tables}`]);

    expect(target?.runners).toHaveLength(1);
    expect(target?.backend.kind).toBe(SEEN_BACKENDS.get(executor) ?? 'unseen');
  },
);

test('an executor that does not exist needs nothing', () => {
  expect(executors(['executor = ""'])).toEqual([]);
});

test('a process whose environment is hidden may have any DOCKER_HOST: it is not looked at', () => {
  const { environment: _hidden, ...blind } = runnerProcess();

  expect(executors([DOCKER], blind)).toMatchObject([{ backend: { kind: 'unseen' } }]);
});

test('a shell entry needs its folder, for the user of `--user`, otherwise that of the process', () => {
  const entry = 'executor = "shell"\nbuilds_dir = "/data/builds"';
  const args = ['gitlab-runner', 'run', '--user', 'ci'];

  expect(executors([entry], { arguments: args })[0]?.backend).toEqual({
    kind: 'folder',
    path: '/data/builds',
    user: 'ci',
  });
  expect(executors([entry])[0]?.backend).toEqual({ kind: 'folder', path: '/data/builds' });
});

const programs = (entry: string, over?: Partial<RunnerProcess>) =>
  executors([entry], over).map(({ id, backend }) => ({ id, ...backend }));

const customEntry = (prepare: string) =>
  `executor = "custom"\n[runners.custom]\nrun_exec = "/ci/run"\nprepare_exec = "${prepare}"`;

describe('programs', () => {
  const environment = { PATH: '/opt/bin:bin::/bin', HOME: '/h' };

  test('of the custom executor are those that the file names, looked for in the absolute folders of PATH', () => {
    const entry =
      'executor = "custom"\n[runners.custom]\nrun_exec = "/ci/run"\nprepare_exec = "prepare"\nconfig_exec = ""\ncleanup_exec = "/ci/run"';
    const folders = ['/opt/bin', '/bin'];

    expect(programs(entry, { environment })).toMatchObject([
      {
        id: '/ci/run',
        programs: [
          { name: 'prepare', setting: 'prepare_exec', folders },
          { name: '/ci/run', setting: 'run_exec' },
          { name: '/ci/run', setting: 'cleanup_exec', isForCleanup: true },
        ],
        lacks: [],
      },
    ]);
  });

  test.each([
    ['custom', '[runners.custom]\nrun_exec = ""', ['run_exec in [runners.custom]']],
    ['docker+machine', '[runners.machine]', ['MachineName in [runners.machine]']],
    ['instance', '[runners.autoscaler]', ['plugin in [runners.autoscaler]']],
    ['docker-autoscaler', '[runners.autoscaler]', ['plugin in [runners.autoscaler]']],
  ])('of %s are not all, where a required key is missing', (executor, table, lacks) => {
    expect(programs(`executor = "${executor}"\n${table}`)).toMatchObject([{ lacks }]);
  });

  test.each(['custom', 'docker+machine', 'instance', 'docker-autoscaler'])(
    'of %s are not looked at without its table, which the linter names',
    (executor) => {
      expect(programs(`executor = "${executor}"`)).toMatchObject([{ kind: 'unseen' }]);
    },
  );

  test.each([
    ['google', ['docker-machine']],
    ['hetzner', ['docker-machine', 'docker-machine-driver-hetzner']],
  ])('of docker+machine with the driver %s', (driver, names) => {
    const entry = `executor = "docker+machine"\n[runners.machine]\nMachineName = "a-%s"\nMachineDriver = "${driver}"`;
    const [found] = executors([entry]);

    expect(
      found?.backend.kind === 'programs' && found.backend.programs.map((one) => one.name),
    ).toEqual(names);
  });

  test.each([
    ['below the home', environment, ['/h/.config/fleeting/plugins']],
    [
      'and where the settings of the user are',
      { ...environment, XDG_CONFIG_HOME: '/x' },
      ['/h/.config/fleeting/plugins', '/x/fleeting/plugins'],
    ],
    ['where FLEETING_PLUGIN_PATH says', { ...environment, FLEETING_PLUGIN_PATH: '/p' }, ['/p']],
  ])('of an autoscaler: its plugin, %s', (_where, variables, installed) => {
    const entry =
      'executor = "instance"\n[runners.autoscaler]\nplugin = "aws:latest"\n[runners.autoscaler.connector_config]\nkey_path = "/k"';

    expect(programs(entry, { environment: variables })).toMatchObject([
      {
        id: 'aws:latest',
        plugin: { name: 'aws:latest', folders: ['/opt/bin', '/bin'], installed },
        keyFile: '/k',
      },
    ]);
  });

  test('that differ make two targets, and the same ones one', () => {
    const found = executors([customEntry('/a'), customEntry('/b'), customEntry('/a')]);

    expect(found.map(({ id, runners }) => [id, runners])).toEqual([
      ['/ci/run', ['aaaaaaaa0', 'aaaaaaaa2']],
      ['/ci/run#2', ['aaaaaaaa1']],
    ]);
  });

  test('of a process whose environment is hidden are in no known PATH', () => {
    const { environment: _hidden, ...blind } = runnerProcess();

    expect(
      programs('executor = "custom"\n[runners.custom]\nrun_exec = "run"', blind),
    ).toMatchObject([{ programs: [{ name: 'run', setting: 'run_exec' }] }]);
    expect(
      programs('executor = "instance"\n[runners.autoscaler]\nplugin = "aws"', blind)[0],
    ).not.toHaveProperty('plugin');
  });
});

describe('the API server of the kubernetes executor', () => {
  const IN_CLUSTER = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
  const ENTRY = 'executor = "kubernetes"\n[runners.kubernetes]\n';

  test.each([
    ['host', 'host = "https://api.test:6443/x"', {}, 'https://api.test:6443'],
    ['a host without a scheme', 'host = "api.test"', {}, 'http://api.test'],
    [
      'a host without a scheme, with files for TLS',
      'host = "api.test"\nca_file = "/ca"',
      {},
      'https://api.test',
    ],
    ['host, which counts before the cluster', 'host = "https://a"', IN_CLUSTER, 'https://a'],
    ['the cluster that it is in', '', IN_CLUSTER, 'https://10.96.0.1:443'],
    [
      'the same, by IPv6',
      '',
      { ...IN_CLUSTER, KUBERNETES_SERVICE_HOST: 'fd00::1' },
      'https://[fd00::1]:443',
    ],
    ['a host that is no URL', 'host = "://"', {}, 'host of e1'],
  ])('is named by %s', (_what, lines, environment, id) => {
    expect(executors([ENTRY + lines], { environment })).toMatchObject([
      { id, backend: { kind: 'cluster', namespace: 'default', lacks: [] } },
    ]);
  });

  test('is asked with what the entry names, and through its proxy', () => {
    const lines =
      'host = "https://a"\nca_file = "ca"\ncert_file = "/c"\nkey_file = "/k"\nnamespace = "ci"\nnamespace_per_job = true';
    const [found] = executors([ENTRY + lines], { environment: { HTTPS_PROXY: 'http://p:1' } });

    expect(found?.backend).toMatchObject({
      caFile: '/home/gitlab-runner/ca',
      certFile: '/c',
      keyFile: '/k',
      proxy: { kind: 'proxy', variable: 'HTTPS_PROXY' },
    });
    expect(found?.backend).not.toHaveProperty('namespace');
  });

  test('of two entries with other tokens is asked for both, and no id shows one', () => {
    const entries = ['one', 'two', 'one'].map(
      (token) => `${ENTRY}host = "https://a"\nbearer_token = "${token}"`,
    );
    const found = executors(entries);

    expect(found.map(({ id, runners }) => [id, runners.length])).toEqual([
      ['https://a', 2],
      ['https://a#2', 1],
    ]);
    expect(JSON.stringify(found)).not.toMatch(/one|two/);
  });

  test.each([
    ['half a pair of files', 'host = "https://a"\ncert_file = "/c"', ['key_file and ca_file']],
    ['a whole pair', 'host = "https://a"\ncert_file = "/c"\nkey_file = "/k"\nca_file = "/a"', []],
  ])('lacks, with %s', (_what, lines, lacks) => {
    const [found] = executors([ENTRY + lines]);
    const names = found?.backend.kind === 'cluster' ? found.backend.lacks : ['?'];

    expect(names.map((name) => name.replace(/ beside.*/, ''))).toEqual(lacks);
  });

  test('has a key_file only beside cert_file, as for client-go', () => {
    const [found] = executors([`${ENTRY}host = "https://a"\nkey_file = "/k"`]);

    expect(found?.backend).not.toHaveProperty('keyFile');
  });

  test('keeps its path', () => {
    const [found] = executors([`${ENTRY}host = "https://rancher.test/k8s/clusters/c-x"`]);

    expect(found?.backend).toMatchObject({
      api: { href: 'https://rancher.test/k8s/clusters/c-x' },
    });
  });

  test('is trusted with the files of the environment', () => {
    const environment = { SSL_CERT_FILE: '/own.pem', SSL_CERT_DIR: '/a:/b' };
    const [found] = executors([`${ENTRY}host = "https://a"`], { environment });

    expect(found?.backend).toMatchObject({
      system: { systemFile: '/own.pem', systemDirectories: ['/a', '/b'] },
    });
  });

  test.each([
    ['HOME', { HOME: '/home/r' }, ['/home/r/.kube/config']],
    ['KUBECONFIG', { HOME: '/home/r', KUBECONFIG: '/k:rel' }, ['/k', '/home/gitlab-runner/rel']],
  ])('may also be in a kubeconfig below %s', (_what, environment, kubeconfigs) => {
    const [found] = executors([ENTRY], { environment: { ...IN_CLUSTER, ...environment } });

    expect(found?.backend).toMatchObject({ kubeconfigs });
  });

  test.each([
    ['feature_flags', '[runners.feature_flags]\nFLAG = true', true],
    ['environment', 'environment = ["FLAG=true"]', true],
    ['environment, as Go reads it', 'environment = ["FLAG=1"]', true],
    ['environment, its last one', 'environment = ["FLAG=true", "FLAG=false"]', false],
    [
      'feature_flags before environment',
      'environment = ["FLAG=true"]\n[runners.feature_flags]\nFLAG = false',
      false,
    ],
    ['another flag', 'environment = ["XFLAG=true", "FLAG_X=true", "FLAG"]', false],
  ])('runs jobs by exec where %s says so', (_what, lines, runsByExec) => {
    const flag = lines.replaceAll('FLAG', 'FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY');
    const [found] = executors([
      `executor = "kubernetes"\n${flag}\n[runners.kubernetes]\nhost = "https://a"`,
    ]);

    expect(found?.backend).toMatchObject({ runsByExec });
  });

  const { environment: _own, ...HIDDEN } = runnerProcess();

  test.each([
    ['a kubeconfig', ENTRY, { environment: {} }, /kubeconfig/],
    ['an environment that is hidden', ENTRY, HIDDEN, /cannot be read/],
    [
      'an environment with its proxy',
      `${ENTRY}host = "https://a"`,
      HIDDEN,
      /proxy.*cannot be read/,
    ],
  ])('is not asked where it is named by %s', (_what, entry, over, because) => {
    expect(executors([entry], over)).toMatchObject([
      { backend: { kind: 'unseen', because: expect.stringMatching(because) } },
    ]);
  });

  test('is asked as systemd would start the runner where no process shows more', () => {
    const unitEnvironment = { HTTPS_PROXY: 'http://p:1' };
    const entry = `${ENTRY}host = "https://a"`;
    const seen = [
      executors([entry], HIDDEN, { unitEnvironment }),
      executors([entry], {}, { process: undefined, unitEnvironment }),
    ];

    expect(seen.map(([found]) => found?.backend)).toMatchObject([
      { kind: 'cluster', proxy: { kind: 'proxy' } },
      { kind: 'cluster', proxy: { kind: 'proxy' } },
    ]);
    expect(executors([entry], {}, { process: undefined })).toMatchObject([
      { backend: { kind: 'unseen', because: expect.stringMatching(/not running/) } },
    ]);
  });
});

test.each([
  ['a plain entry', DOCKER, undefined, [{ host: 'gitlab.test', port: 443 }]],
  [
    'one whose sources lie elsewhere',
    `${DOCKER}\nclone_url = "https://mirror.test/"`,
    undefined,
    [],
  ],
  [
    'one that gives its jobs a proxy',
    `${DOCKER}\nenvironment = ["https_proxy=http://proxy:3128"]`,
    undefined,
    [],
  ],
  ['one behind a proxy', DOCKER, { HTTPS_PROXY: 'http://proxy:3128' }, []],
])('what jobs must reach: %s', (_what, lines, environment, gitlabs) => {
  const [found] = executors([lines], { environment: environment ?? {} });

  expect(found?.gitlabs).toEqual(gitlabs);
});
