/**
 * Runners in containers of real engines, found without a flag: each fault in each kind of place. The host of such a row
 * has nothing of the runner but its config folder, or a volume.
 */
import { IMAGE } from '../container/image.ts';
import { startContainerRunner } from '../container/runner.ts';
import type { ContainerSetup } from '../container/place.ts';
import { DEAD_ADDRESS } from '../network.ts';
import { hasLived } from '../observe.ts';
import { FROM_PRIVATE_ROOT, PRIVATE_ROOT, PUBLIC_ROOT } from '../peers/pki.ts';
import { printedFix } from '../printed-fix.ts';
import { SYSTEM_ID, configText, usualEntry } from '../runner-config.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';
import { PORT_CLOSED, RESOLVER_DOWN, TOKEN_FORGOTTEN } from './path-faults.ts';

const PLACES: readonly (readonly [name: string, setup: ContainerSetup])[] = [
  ['Docker, network of the host', { engine: 'docker' }],
  ['Docker, bridge', { engine: 'docker', isBridged: true }],
  ['Docker, named volume', { engine: 'docker', isBridged: true, hasNamedVolume: true }],
  ['podman, network of the host', { engine: 'podman' }],
  ['podman, bridge', { engine: 'podman', isBridged: true }],
];

const OPEN = 'o/o/n/o/o/o/o';
/** What none of these may be read as. */
const MUST_NOT = [
  'config-missing',
  'config-wrong-file',
  'config-shared-by-processes',
  'runner-not-installed',
  'runner-not-running',
  'monitor-blind',
  'unknown',
];
const SOCKETS: Readonly<Record<ContainerSetup['engine'], string>> = {
  docker: '/var/run/docker.sock',
  podman: '/run/podman/podman.sock',
};

type Fault = Pick<FaultRow, 'title' | 'inject' | 'expect'> &
  Partial<FaultRow> & {
    /** How its container differs. */
    readonly container?: (setup: ContainerSetup) => Partial<ContainerSetup>;
    /** What is another thing there. */
    readonly podman?: Partial<FaultRow>;
  };

/** The engine says what has become of it; the runner itself logs nothing any more. */
function isGone(cause: string): Pick<FaultRow, 'expect' | 'runnerLogs'> {
  return { expect: { cause, severity: 'critical' }, runnerLogs: 'nothing' };
}

async function engineDoes({ container }: World, words: string): Promise<void> {
  await container?.engine.run(words);
}

async function bridgeIs(world: World, state: 'connect' | 'disconnect'): Promise<void> {
  const bridge = world.container?.engine.name === 'podman' ? 'podman' : 'bridge';
  await engineDoes(world, `network ${state} ${bridge} gitlab-runner`);
}

const SECOND = usualEntry({ name: 'second-1' });
const SECOND_FOLDER = '/srv/second/config';

/** With the same path inside, and a folder of its own. */
async function startSecond({ container, gitlab, adopt }: World): Promise<void> {
  if (container === undefined) return;
  gitlab.application.tokens.add(SECOND.token);
  adopt(
    await startContainerRunner(container.engine, {
      name: 'runner-2',
      volume: SECOND_FOLDER,
      network: [],
      options: [],
      environment: {},
    }),
  );
}

const secondFiles = (): Readonly<Record<string, string>> => ({
  [`${SECOND_FOLDER}/config.toml`]: configText([SECOND]),
  [`${SECOND_FOLDER}/.runner_system_id`]: SYSTEM_ID,
});
const TWO: WorldOptions = { files: secondFiles, before: startSecond };

/** Their numbers begin here. */
const FIRST_FOUND = 40;

const FAULTS: readonly Fault[] = [
  {
    title: 'GitLab has a certificate of an authority that nobody trusts',
    inject: async ({ gitlab }) => await gitlab.serve(FROM_PRIVATE_ROOT),
    expect: { cause: 'tls-unknown-authority', severity: 'critical', chain: 'o/o/n/F/s/s/s' },
    runnerLogs: /unknown authority/,
  },
  {
    title: 'only the host trusts the authority of GitLab',
    world: {
      files: () => ({
        '/etc/ssl/certs/ca-certificates.crt': `${PUBLIC_ROOT.pem}${PRIVATE_ROOT.pem}`,
      }),
    },
    inject: async ({ gitlab }) => await gitlab.serve(FROM_PRIVATE_ROOT),
    expect: { cause: 'tls-unknown-authority', severity: 'critical', chain: 'o/o/n/F/s/s/s' },
    runnerLogs: /unknown authority/,
  },
  {
    title: 'packets to port 53 are dropped',
    inject: async ({ network }) =>
      await network.rule('gl', 'input', 'meta l4proto { tcp, udp } th dport 53 drop'),
    expect: { cause: 'dns-timeout', severity: 'critical', chain: 'F/s/n/s/s/s/s' },
    runnerLogs: /i\/o timeout/,
  },
  RESOLVER_DOWN,
  PORT_CLOSED,
  {
    title: 'a signal has stopped the runner in its container',
    inject: ({ runner }) => runner.signal('SIGSTOP'),
    expect: { cause: 'runner-hung', severity: 'critical', chain: OPEN },
    runnerLogs: 'nothing',
    fix: printedFix(/kill -CONT/),
  },
  TOKEN_FORGOTTEN,
  {
    title: 'its container is made anew with a proxy where nobody is',
    inject: async ({ runner }) => await runner.restart({ HTTPS_PROXY: 'http://10.200.0.4:3128' }),
    expect: { cause: 'proxy-unreachable', severity: 'critical', chain: 'o/F/Fs/s/s/s/s' },
    runnerLogs: /proxyconnect tcp: dial tcp .*connection refused/,
  },
  {
    title: 'its container is made anew with a wrong address of GitLab (--add-host)',
    inject: async ({ container }) =>
      await container?.runner.recreate(`--add-host gitlab.test:${DEAD_ADDRESS}`),
    expect: { cause: 'dns-hosts-override-stale', severity: 'critical', says: /--add-host/ },
    runnerLogs: /dial tcp 10\.200\.0\.77:443/,
  },
  {
    title: 'jobs need Docker, and the container is made anew without its socket',
    world: {
      entries: [
        usualEntry({ executor: 'docker', more: '  [runners.docker]\n    image = "alpine:3"' }),
      ],
    },
    container: ({ engine }) => ({ options: [`-v ${SOCKETS[engine]}:/var/run/docker.sock`] }),
    inject: async ({ container }) => await container?.runner.recreate(),
    expect: {
      cause: 'docker-socket-not-mounted',
      severity: 'warning',
      chain: OPEN,
      verdict: 'broken',
      says: /-v \S+\.sock:\/var\/run\/docker\.sock/,
    },
    mustNot: [...MUST_NOT, 'docker-daemon-down'],
  },
  {
    title: 'its config file is broken on the host, and the runner keeps the old one',
    inject: async ({ files, runner, daemon, configFolder }) => {
      await hasLived(daemon);
      await files.edit(`${configFolder}/config.toml`, 'executor = "shell"', 'executor = "shell');
      await runner.appendLog(
        'error',
        'Failed to load config decoding configuration file: toml: line 8 (last key "runners.executor"): strings cannot contain newlines',
        { builds: 0 },
      );
    },
    expect: { cause: 'config-changed-not-loaded', severity: 'warning', chain: OPEN },
  },
  {
    title: 'a person has stopped its container',
    inject: async (world) => await engineDoes(world, 'stop -t 5 gitlab-runner'),
    ...isGone('container-stopped'),
    fix: printedFix(/ start gitlab-runner/),
  },
  {
    title: 'the kernel kills it: it uses more memory than its container may',
    container: () => ({ options: ['--memory 220m --memory-swap 220m --restart no'] }),
    inject: ({ runner }) => runner.signal('SIGUSR1'),
    ...isGone('container-out-of-memory'),
    // Version 4.3 does not say that it was for lack of memory.
    podman: { expect: { cause: 'container-stopped', severity: 'critical', says: /exit code 137/ } },
  },
  {
    title: 'its container ends and is started again and again',
    inject: async ({ container }) =>
      await container?.runner.recreateBroken('--entrypoint /bin/grep'),
    ...isGone('container-restart-loop'),
    // One look may see it run.
    needsHistory: true,
  },
  {
    title: 'its container is paused',
    inject: async (world) => await engineDoes(world, 'pause gitlab-runner'),
    ...isGone('container-paused'),
    fix: printedFix(/ unpause gitlab-runner/),
  },
  {
    title: 'its container is removed',
    inject: async (world) => await engineDoes(world, 'rm -f gitlab-runner'),
    ...isGone('container-removed'),
    // No engine knows it any more.
    needsHistory: true,
  },
  {
    title: 'of two containers with the same path inside one has a token that GitLab has forgotten',
    world: TWO,
    inject: ({ gitlab }) => void gitlab.application.tokens.delete(SECOND.token),
    expect: {
      cause: 'token-rejected',
      severity: 'critical',
      runners: {
        'shell-1': { cause: 'none', chain: OPEN },
        'second-1': { cause: 'token-rejected', chain: 'o/o/n/o/o/o/F' },
      },
    },
    runnerLogs: 'nothing',
  },
];

/** Beside a runner that works: one that has ended with an error. */
async function startFailing({ container, adopt }: World): Promise<void> {
  const { engine } = container ?? {};
  await engine?.run(
    `run -d --name runner-2 -v ${SECOND_FOLDER}:/etc/gitlab-runner ${IMAGE} && ${engine.name} wait runner-2`,
  );
  adopt({ [Symbol.asyncDispose]: async () => void (await engine?.run('rm -f runner-2')) });
}

/** Found as runnerwatch starts, or by what lies on the host alone. */
const FOUND_FAULTS: readonly Fault[] = [
  {
    title: 'its container was stopped before',
    startsBroken: true,
    inject: async (world) => await engineDoes(world, 'stop -t 5 gitlab-runner'),
    ...isGone('container-stopped'),
    fix: printedFix(/ start gitlab-runner/),
  },
  {
    title: 'its container was made, and its start failed',
    startsBroken: true,
    inject: async ({ container }) => {
      await container?.runner.recreateBroken('--entrypoint /none').catch(() => {});
    },
    ...isGone('container-never-started'),
  },
  {
    title: 'beside a runner that works the container of another one has failed',
    world: { files: secondFiles },
    startsBroken: true,
    inject: startFailing,
    ...isGone('container-stopped'),
    expect: {
      cause: 'container-stopped',
      severity: 'critical',
      says: /exit code 1/,
      runners: {
        'shell-1': { cause: 'none', chain: OPEN },
        'second-1': { cause: 'container-stopped' },
      },
    },
  },
  {
    title: 'its config.toml has a quote too few, and its container starts again and again',
    inject: async ({ container, files, configFolder }) => {
      await files.edit(`${configFolder}/config.toml`, 'executor = "shell"', 'executor = "shell');
      await container?.runner.recreateBroken('--entrypoint /bin/grep');
    },
    ...isGone('config-syntax-error'),
    mustNot: [...MUST_NOT, 'container-restart-loop', 'container-stopped'],
  },
];

/** Nobody misses these: stopped by a person, a command that failed, an earlier one on the same config.toml. */
async function leaveOthers(world: World): Promise<void> {
  const { container, configFolder } = world;
  const { engine } = container ?? {};
  await startSecond(world);
  await engineDoes(world, 'stop -t 5 runner-2');
  for (const [name, folder, words] of [
    ['registered', SECOND_FOLDER, 'register'],
    ['earlier', configFolder, ''],
  ]) {
    await engine?.run(
      `run -d --name ${name} -v ${folder}:/etc/gitlab-runner ${IMAGE} ${words} && ${engine.name} wait ${name}`,
    );
  }
}

const NOT_MISSED: readonly Row[] = PLACES.map(([name, container], place) => ({
  id: `W-${place + 1}80`,
  title: `containers that nobody misses beside a runner that works: ${name}`,
  world: { container, files: secondFiles, before: leaveOthers },
  allowed: [],
}));

/** Of a network of its own. */
const BRIDGE_FAULTS: readonly Fault[] = [
  {
    title: 'its container is disconnected from its network',
    inject: async (world) => await bridgeIs(world, 'disconnect'),
    recover: async (world) => await bridgeIs(world, 'connect'),
    expect: { cause: 'network-no-route', severity: 'critical' },
    runnerLogs: /network is unreachable|i\/o timeout/,
  },
];

function rowOf(
  { container, world, podman, ...fault }: Fault,
  index: number,
  place: number,
): FaultRow {
  const [name = '', setup = { engine: 'docker' }] = PLACES[place] ?? [];
  return {
    mustNot: MUST_NOT,
    ...fault,
    ...(setup.engine === 'podman' ? podman : {}),
    id: `W-${place + 1}${String(index + 1).padStart(2, '0')}`,
    title: `${fault.title}: ${name}`,
    world: { ...world, container: { ...setup, ...container?.(setup) } },
  };
}

const healthy: readonly Row[] = PLACES.map(([name, container], place) => ({
  id: `W-${place + 1}00`,
  title: `a healthy runner: ${name}`,
  world: { container },
  allowed: [],
}));

const ACTS: readonly (readonly [title: string, act: (world: World) => Promise<unknown>])[] = [
  [
    'a person restarts its container',
    async (world) => await engineDoes(world, 'restart -t 5 gitlab-runner'),
  ],
  ['its container is made anew', async ({ container }) => await container?.runner.recreate()],
  [
    'its container is made anew under another name',
    async ({ container }) => {
      await container?.engine.run('rename gitlab-runner old-runner');
      await container?.runner.recreate();
      await container?.engine.run('rm -f old-runner');
    },
  ],
];

const disturbed: readonly Row[] = ACTS.flatMap(([title, act], index) =>
  PLACES.map(([name, container], place): Row => ({
    id: `W-${place + 1}${index + 90}`,
    title: `${title}: ${name}`,
    world: { container },
    act,
    allowed: ['runner-shutting-down'],
  })),
);

export const engineRows: readonly Row[] = [
  ...healthy,
  ...disturbed,
  ...NOT_MISSED,
  ...FAULTS.flatMap((fault, index) => PLACES.map((_place, place) => rowOf(fault, index, place))),
  ...FOUND_FAULTS.flatMap((fault, index) =>
    PLACES.map((_place, place) => rowOf(fault, FIRST_FOUND + index, place)),
  ),
  ...BRIDGE_FAULTS.flatMap((fault, index) =>
    PLACES.flatMap(([, { isBridged }], place) =>
      isBridged === true ? [rowOf(fault, FAULTS.length + index, place)] : [],
    ),
  ),
];
