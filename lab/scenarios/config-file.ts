/** Configuration: a config.toml that is missing, broken or wrong. */
import { writeUnit } from '../host.ts';
import { dockerOf } from '../peers/docker.ts';
import { FROM_PRIVATE_ROOT, PRIVATE_ROOT } from '../peers/pki.ts';
import { restartWith } from '../repairs.ts';
import { usualEntry } from '../runner-config.ts';
import { printedFix } from '../printed-fix.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World } from '../world.ts';

const CONFIG = '/etc/gitlab-runner/config.toml';

const OPEN = 'o/o/n/o/o/o/o';

/**
 * A running process keeps the configuration that it loaded, so its path can still be checked; without a process it is
 * unknown.
 */
const OLD = 'ou/ou/n/ou/ou/ou/ou';

const NETWORK = [
  'dns-name-not-found',
  'tcp-connection-refused',
  'tcp-connect-timeout',
  'gitlab-not-responding',
  'unknown',
];

const CONSEQUENCES = ['runner-crash-loop', 'runner-not-running', 'runner-start-failed'];

const RUNNER_UID = 4321;

const LOOPING = {
  ActiveState: 'activating',
  SubState: 'auto-restart',
  NRestarts: 7,
  Result: 'exit-code',
};

/** The file is changed, and the runner went down with it. */
function downWith(part: string | RegExp, by: string): Pick<FaultRow, 'inject' | 'runnerLogs'> {
  return {
    inject: async (world) => {
      await world.files.edit(CONFIG, part, by);
      await loops(world);
    },
    runnerLogs: 'nothing',
  };
}

async function loops(world: World): Promise<void> {
  await world.runner.stop();
  await writeUnit(world, LOOPING);
}

function editConfig(part: string | RegExp, by: string): Pick<FaultRow, 'inject' | 'runnerLogs'> {
  return { inject: ({ files }) => files.edit(CONFIG, part, by), runnerLogs: 'nothing' };
}

const five = [1, 2, 3, 4, 5].map((nth) => usualEntry({ name: `shell-${nth}` }));

const OTHER = '/srv/gitlab-runner/config.toml';

const CA_FILE = '/etc/gitlab-runner/ca.pem';

const GIVEN = { GITLAB_URL: 'https://gitlab.test/', RUNNER_TOKEN: usualEntry().token };

/** The unit was rewritten without one of its variables. */
function restartWithout(name: keyof typeof GIVEN): Pick<FaultRow, 'inject'> {
  const { [name]: _, ...rest } = GIVEN;
  return { inject: restartWith(rest) };
}

async function restartInLoop(world: World, said: string): Promise<void> {
  for (const _ of [1, 2, 3]) {
    await world.runner.appendLog('fatal', 'Service run failed', { error: said });
  }
  await world.runner.stop();
  const LOOP = { ActiveState: 'activating', SubState: 'auto-restart', Result: 'exit-code' };
  await writeUnit(world, { ...LOOP, NRestarts: 4 });
}

export const configRows: readonly Row[] = [
  {
    id: 'C-01',
    title: 'config.toml is removed',
    inject: ({ files }) => files.remove(CONFIG),
    expect: { cause: 'config-missing', severity: 'critical', chain: OLD },
    runnerLogs: /Failed to load config stat .*config.toml: no such file or directory/,
    mustNot: NETWORK,
  },
  {
    id: 'C-02',
    title: "the runner's user has no permission to read config.toml",
    world: {
      uid: RUNNER_UID,
      before: async ({ files }) => await files.own('/builds', RUNNER_UID),
    },
    inject: async ({ files }) => await files.write(CONFIG, await files.read(CONFIG), 0o600),
    expect: { cause: 'config-unreadable', severity: 'critical', chain: OLD },
    runnerLogs: /Failed to load config .*permission denied/,
    mustNot: [...NETWORK, 'monitor-blind'],
    fix: printedFix(/chown/),
  },
  {
    id: 'C-03',
    title: 'a quote is not closed in line 12, and the runner is down',
    world: { entries: [usualEntry({ more: '  limit = 2\n  shell = "bash"' })] },
    ...downWith('"bash"', '"bash'),
    expect: {
      cause: 'config-syntax-error',
      severity: 'critical',
      chain: OLD,
      says: /config\.toml:12:|line 12/,
    },
    mustNot: [...NETWORK, ...CONSEQUENCES],
  },
  {
    id: 'C-04',
    title: 'concurrent is a text, and the runner is down',
    ...downWith('concurrent = 4', 'concurrent = "4"'),
    expect: {
      cause: 'config-type-error',
      severity: 'critical',
      chain: OLD,
      says: /concurrent/,
    },
    mustNot: [...NETWORK, ...CONSEQUENCES],
  },
  {
    id: 'C-05',
    title: 'concurrent is 0, so the runner ends at every start',
    inject: async (world) => {
      await world.files.edit(CONFIG, 'concurrent = 4', 'concurrent = 0');
      for (const _ of [1, 2, 3]) await world.runner.appendLog('fatal', '0 <nil>');
      await loops(world);
    },
    expect: { cause: 'config-concurrent-zero', severity: 'critical', chain: OPEN },
    runnerLogs: 'nothing',
    mustNot: [...NETWORK, ...CONSEQUENCES],
  },
  {
    id: 'C-06',
    title: 'url has no scheme',
    inject: ({ files }) => files.edit(CONFIG, 'https://gitlab.test/', 'gitlab.test'),
    expect: {
      cause: 'config-url-invalid',
      severity: 'critical',
      chain: 'nsu/nsu/n/nsu/nsu/nsu/nsu',
    },
    runnerLogs: /client error .*only http or https scheme supported/,
    mustNot: NETWORK,
  },
  {
    id: 'C-07',
    title: 'the executor is unknown',
    inject: async ({ files, runner, entries }) => {
      await files.edit(CONFIG, 'executor = "shell"', 'executor = "dokcer"');
      const name = entries[0]?.token.slice(5, 14) ?? '';
      const said = 'Executor "dokcer" is not known; marking Runner as unhealthy';
      for (const _ of [1, 2, 3]) await runner.appendLog('error', said, { runner: name });
      const off = `Runner "https://gitlab.test/${name}" is unhealthy and will be disabled for 1h0m0s seconds!`;
      await runner.appendLog('error', off, { unhealthy_requests: 3, unhealthy_requests_limit: 3 });
    },
    expect: { cause: 'config-executor-unknown', severity: 'critical', chain: OPEN },
    runnerLogs: 'nothing',
    mustNot: [...NETWORK, 'token-rejected', 'runner-disabled-unhealthy'],
  },
  {
    id: 'C-08',
    title: 'the docker executor has no [runners.docker]',
    world: { before: async (world) => await dockerOf(world).setAnswers() },
    ...editConfig('executor = "shell"', 'executor = "docker"'),
    expect: { cause: 'config-executor-section-missing', severity: 'warning', chain: OPEN },
    mustNot: NETWORK,
  },
  {
    id: 'C-09',
    title: 'config.toml has no [[runners]]',
    ...editConfig(/\[\[runners\]\][^]*/, ''),
    expect: { cause: 'config-no-runners', severity: 'critical' },
    mustNot: NETWORK,
  },
  {
    id: 'C-10',
    title: 'url is that of the API',
    ...editConfig('https://gitlab.test/', 'https://gitlab.test/api/v4'),
    expect: {
      cause: ['url-path-wrong', 'config-url-invalid'],
      severity: 'critical',
      chain: 'o/o/n/o/o/F/s',
    },
    mustNot: [...NETWORK, 'not-a-gitlab-server'],
  },
  {
    id: 'C-11',
    title: 'five entries share one slot',
    world: { entries: five, globals: 'concurrent = 10\ncheck_interval = 3\n' },
    ...editConfig('concurrent = 10', 'concurrent = 1'),
    expect: { cause: 'config-concurrency-starvation', severity: 'notice', chain: OPEN },
    mustNot: NETWORK,
  },
  {
    id: 'C-12',
    title: 'of two GitLabs one refuses connections',
    world: {
      entries: [
        usualEntry({ name: 'fine-1' }),
        usualEntry({ name: 'down-2', url: 'https://alias.test:8443/' }),
      ],
    },
    inject: ({ network }) => network.rule('gl', 'input', 'tcp dport 8443 reject with tcp reset'),
    expect: {
      cause: 'tcp-connection-refused',
      severity: 'critical',
      runners: {
        'fine-1': { cause: 'none', chain: OPEN },
        'down-2': { cause: 'tcp-connection-refused', chain: 'o/F/n/s/s/s/s' },
      },
    },
    mustNot: ['unknown'],
  },
  {
    id: 'C-17',
    title: 'a table has the key token twice, and the runner is down',
    ...downWith('  executor = "shell"', '  token = "glrt-another"\n  executor = "shell"'),
    expect: { cause: 'config-syntax-error', severity: 'critical', chain: OLD },
    mustNot: [...NETWORK, ...CONSEQUENCES],
  },
  {
    id: 'C-20',
    title: 'two runners run on one file',
    inject: async ({ runner, adopt }) => adopt(await runner.twin()),
    expect: { cause: 'config-shared-by-processes', severity: 'warning', chain: OPEN },
    mustNot: [...NETWORK, 'runner-crash-loop'],
  },
  {
    id: 'C-13b',
    title: 'url is a variable that the runner’s environment has lost',
    world: { environment: GIVEN, entries: [usualEntry({ url: '$GITLAB_URL' })] },
    ...restartWithout('GITLAB_URL'),
    expect: {
      cause: 'config-env-unset',
      severity: 'critical',
      chain: 'nsu/nsu/n/nsu/nsu/nsu/nsu',
      says: /GITLAB_URL/,
    },
    runnerLogs: /client error/,
    mustNot: [...NETWORK, 'config-url-invalid', 'token-missing', 'runner-disabled-unhealthy'],
  },
  {
    id: 'C-13d',
    title: 'part of url is a variable that is not set, and the rest is an address',
    world: {
      environment: { SUB: 'gitlab' },
      entries: [usualEntry({ url: 'https://${SUB}.test/' })],
    },
    inject: restartWith({}),
    expect: { cause: 'config-env-unset', severity: 'critical', says: /SUB/ },
    mustNot: [...NETWORK, 'dns-server-failure'],
  },
  {
    id: 'C-14b',
    title: 'a running runner keeps its old config while the file is broken',
    world: { logFormat: 'json' },
    inject: async ({ files, runner }) => {
      await files.edit(CONFIG, 'executor = "shell"', 'executor = "shell');
      await runner.appendLog(
        'error',
        `Failed to load config decoding configuration file: toml: line 8 (last key "runners.executor"): strings cannot contain newlines`,
        { builds: 0 },
      );
    },
    expect: { cause: 'config-changed-not-loaded', severity: 'warning', chain: OPEN },
    mustNot: [...NETWORK, 'config-syntax-error', 'config-type-error'],
  },
  {
    id: 'C-15c',
    title: 'a runner that we ask for its file reads one that is not there',
    world: { daemon: { findsConfig: true } },
    inject: async (world) => {
      await world.runner.stop();
      world.adopt(await world.runner.twin(OTHER));
    },
    expect: { cause: 'config-wrong-file', severity: 'critical' },
    runnerLogs: 'nothing',
    mustNot: [...NETWORK, 'config-missing', 'config-no-runners', 'runner-not-running'],
  },
  {
    id: 'C-16b',
    title: 'ca-file names the authority, and the runner knows no such key',
    world: {
      entries: [usualEntry({ more: `  tls-ca-file = "${CA_FILE}"` })],
      certificate: FROM_PRIVATE_ROOT,
      files: () => ({ [CA_FILE]: PRIVATE_ROOT.pem }),
    },
    inject: ({ files }) => files.edit(CONFIG, 'tls-ca-file', 'ca-file'),
    expect: {
      cause: 'config-unknown-key',
      severity: 'critical',
      chain: 'o/o/n/F/s/s/s',
      says: /tls-ca-file/,
    },
    mustNot: ['tls-unknown-authority', 'tls-ca-file-missing', 'unknown'],
    fix: {
      reported: /tls-ca-file/,
      apply: ({ files }) => files.edit(CONFIG, 'ca-file', 'tls-ca-file'),
    },
  },
  {
    id: 'C-18b',
    title: 'tls_verify is false, and a private authority is not trusted all the same',
    inject: async ({ files, gitlab }) => {
      await files.edit(CONFIG, 'executor = "shell"', 'executor = "shell"\n  tls_verify = false');
      await gitlab.serve(FROM_PRIVATE_ROOT);
    },
    expect: {
      cause: 'config-setting-ineffective',
      severity: 'notice',
      also: ['tls-unknown-authority'],
      runners: { 'shell-1': { cause: 'tls-unknown-authority', chain: 'o/o/n/F/s/s/s' } },
    },
    mustNot: ['unknown', 'tls-self-signed', 'config-unknown-key'],
  },
  {
    id: 'C-05b',
    title: "the last start ended since the runner's user has no permission to read config.toml",
    world: { logFormat: 'text' },
    inject: async (world) =>
      await restartInLoop(world, `decoding configuration file: open ${CONFIG}: permission denied`),
    expect: { cause: 'config-unreadable', severity: 'critical', chain: OPEN },
    runnerLogs: 'nothing',
    mustNot: [...NETWORK, ...CONSEQUENCES, 'monitor-blind'],
  },
];
