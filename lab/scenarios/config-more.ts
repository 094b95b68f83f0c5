/** Configuration, further: variables, unused files, unknown keys. */
import { writeUnit } from '../host.ts';
import { restartWith } from '../repairs.ts';
import { FROM_PRIVATE_ROOT, PRIVATE_ROOT } from '../peers/pki.ts';
import { usualEntry } from '../runner-config.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World } from '../world.ts';

const CONFIG = '/etc/gitlab-runner/config.toml';
const OTHER = '/srv/gitlab-runner/config.toml';
const CA_FILE = '/etc/gitlab-runner/ca.pem';
const OPEN = 'o/o/n/o/o/o/o';
const NETWORK = [
  'dns-name-not-found',
  'tcp-connection-refused',
  'gitlab-not-responding',
  'unknown',
];
const CONSEQUENCES = ['runner-crash-loop', 'runner-not-running', 'runner-start-failed'];
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

export const moreConfigRows: readonly Row[] = [
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
