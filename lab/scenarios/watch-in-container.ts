/**
 * runnerwatch in a container of a real Docker: beside a runner of the host, and beside that of another container; and what
 * it says where its container lacks something. docs/containers.md has these options in a table.
 */
import type { Report } from '../../src/report/document.ts';
import type { WatcherSetup } from '../container/watcher.ts';
import { hasLived, untilGood } from '../observe.ts';
import { FROM_PRIVATE_ROOT } from '../peers/pki.ts';
import { printedFix } from '../printed-fix.ts';
import type { FaultRow, HealthyRow, Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';
import { PORT_CLOSED, RESOLVER_DOWN, TOKEN_FORGOTTEN } from './path-faults.ts';

const PATIENCE_SECONDS = 120;
const ROOT_OF_HOST = '--volume=/:/host:ro,rslave';
const FLAGS = ['--path.rootfs=/host', '--path.procfs=/host/proc', '--path.sysfs=/host/sys'];
const HOST_NETWORK = '--network=host';
const GROUPS = ['--volume=/sys/fs/cgroup:/sys/fs/cgroup:ro', '--cgroupns=host'];
const OF_RUNNER = ['--pid=container:gitlab-runner', '--network=container:gitlab-runner', ...GROUPS];
const CAPABILITIES = ['--cap-add=SYS_PTRACE', '--cap-add=SYS_ADMIN'];
const SOCKET = '--volume=/var/run/docker.sock:/var/run/docker.sock';
const CONFIG = '--volume=/srv/gitlab-runner/config:/etc/gitlab-runner:ro';

const OPEN = 'o/o/n/o/o/o/o';
/** What a container of runnerwatch must not be read as. */
const MUST_NOT = [
  'config-missing',
  'config-unreadable',
  'config-wrong-file',
  'monitor-blind',
  'runner-not-installed',
  'runner-not-running',
  'unknown',
];

/** The runner is a service of the host. */
function besideHost(options: readonly string[], flags: readonly string[] = FLAGS): WorldOptions {
  return { daemon: { container: { options, flags } } };
}

/** Its own /proc shows how long tasks of this machine wait, and not those of a host at rest. */
const BUSY_MACHINE =
  'interval_seconds = 15\nstarved_pressure_ratio = 1.0\nlate_run_delay_seconds = 60\n';

/** The runner is in a container with a network of its own. */
function besideContainer(
  options: readonly string[],
  flags: WatcherSetup['flags'] = [],
): WorldOptions {
  return {
    container: { engine: 'docker', isBridged: true },
    daemon: { container: { options, flags } },
    probes: { cpu: BUSY_MACHINE },
  };
}

const HOST = besideHost(['--pid=host', HOST_NETWORK, ROOT_OF_HOST, ...CAPABILITIES]);
const CONTAINER = besideContainer([...OF_RUNNER, CONFIG]);
const CONTAINER_WITH_SOCKET = besideContainer([...OF_RUNNER, SOCKET]);

/** A path of our own container, or a number of a process there, is none of the host. */
async function printsForHost({ daemon }: World): Promise<string | undefined> {
  const { causes } = await daemon.report();
  const commands = causes.flatMap(({ fix }) => fix.flatMap(({ command }) => command ?? []));
  const odd = commands.find((command) => /\/host\/|\/proc\/\d+\/root|runnerwatch/.test(command));
  return odd === undefined ? undefined : `a command that does not apply on the host: ${odd}`;
}

type Fault = Pick<FaultRow, 'title' | 'inject' | 'expect'> & Partial<FaultRow>;

const UNTRUSTED: Fault = {
  title: 'GitLab has a certificate of an authority that nobody trusts',
  inject: async ({ gitlab }) => await gitlab.serve(FROM_PRIVATE_ROOT),
  expect: { cause: 'tls-unknown-authority', severity: 'critical', chain: 'o/o/n/F/s/s/s' },
  runnerLogs: /unknown authority/,
};

function saying(fault: Fault, says: RegExp): Fault {
  return { ...fault, expect: { ...fault.expect, says } };
}

const FAULTS: readonly (readonly [where: string, world: WorldOptions, faults: readonly Fault[]])[] =
  [
    [
      'beside the host',
      HOST,
      [
        saying(UNTRUSTED, /sudo mkdir -p \/etc\/gitlab-runner\/certs/),
        RESOLVER_DOWN,
        TOKEN_FORGOTTEN,
      ],
    ],
    [
      'beside a container',
      CONTAINER,
      [
        saying(
          UNTRUSTED,
          /\/proc\/\\"\$\(sudo docker inspect [^)]+\)\\"\/root\/etc\/gitlab-runner/,
        ),
        PORT_CLOSED,
        {
          title: 'a signal has stopped the runner',
          inject: ({ runner }) => runner.signal('SIGSTOP'),
          expect: { cause: 'runner-hung', severity: 'critical', chain: OPEN },
          runnerLogs: 'nothing',
          fix: printedFix(/kill -CONT "\$\(sudo docker inspect/),
        },
      ],
    ],
    [
      'beside a container, with the socket of its engine',
      CONTAINER_WITH_SOCKET,
      [
        saying(UNTRUSTED, /sudo mkdir -p \/srv\/gitlab-runner\/config\/certs/),
        {
          title: 'a person pauses the container of the runner',
          inject: async ({ container }) =>
            void (await container?.engine.run('pause gitlab-runner')),
          expect: { cause: 'container-paused', severity: 'critical' },
          runnerLogs: 'nothing',
          fix: printedFix(/ unpause gitlab-runner/),
        },
      ],
    ],
  ];

const faultRows: readonly FaultRow[] = FAULTS.flatMap(([where, world, faults], place) =>
  faults.map((fault, index) => ({
    mustNot: MUST_NOT,
    holds: printsForHost,
    ...fault,
    id: `WC-${place + 1}${index + 1}`,
    title: `${fault.title}: runnerwatch ${where}`,
    world,
  })),
);

interface Lack {
  readonly title: string;
  readonly world: WorldOptions;
  /** How it is told. */
  readonly said: RegExp;
}

const LACKS: readonly Lack[] = [
  {
    title: 'beside the host, with a network of its own and no capability to enter another',
    world: besideHost(['--pid=host', ROOT_OF_HOST]),
    said: /may not enter the network of the runner: it needs CAP_SYS_ADMIN and CAP_SYS_PTRACE/,
  },
  {
    title: 'beside the host, without a capability',
    world: besideHost(['--pid=host', HOST_NETWORK, ROOT_OF_HOST]),
    said: /may not read the environment of process \d+/,
  },
  {
    title: 'beside the host, with its root and not its processes',
    world: besideHost([HOST_NETWORK, ROOT_OF_HOST], FLAGS.slice(0, 1)),
    said: /the process of the runner is not visible from here/,
  },
  {
    title: 'beside a container, without its processes',
    world: besideContainer(['--network=container:gitlab-runner', CONFIG]),
    said: /the process of the runner is not visible from here/,
  },
  {
    title: 'beside a container, without its network',
    world: besideContainer(['--pid=container:gitlab-runner', ...GROUPS, CONFIG]),
    said: /may not enter the network of the runner/,
  },
  {
    title: 'beside a container, without its control groups',
    world: besideContainer([...OF_RUNNER.slice(0, 2), CONFIG]),
    said: /the control groups of the runner are not in \/sys\/fs\/cgroup/,
  },
];

/** Once, and with what is to be done to the container of runnerwatch. */
async function isTold({ daemon }: World, said: RegExp): Promise<void> {
  const lack = ({ causes }: Report): string | undefined => {
    const [only, other] = causes;
    if (other !== undefined || only === undefined) return 'not one cause';
    const { summary, fix } = only;
    const isRight =
      said.test(summary) && fix.length === 1 && /by --pid.*--cap-add/.test(fix[0]?.text ?? '');
    return isRight ? undefined : summary;
  };
  const { lacks } = await untilGood(daemon, lack, PATIENCE_SECONDS);
  if (lacks !== undefined) throw new Error(`it is not told plainly: ${lacks}`);
}

const lackRows: readonly HealthyRow[] = LACKS.map(({ title, world, said }, index) => ({
  id: `WC-4${index + 1}`,
  title: `it says what it lacks: ${title}`,
  world,
  act: async (built) => await isTold(built, said),
  isUnsure: true,
  allowed: ['monitor-blind'],
}));

const healthyRows: readonly HealthyRow[] = FAULTS.map(([where, world], place) => ({
  id: `WC-${place + 1}0`,
  title: `a healthy runner: runnerwatch ${where}`,
  world,
  act: async ({ daemon }) => await hasLived(daemon),
  allowed: [],
}));

export const watchInContainerRows: readonly Row[] = [...healthyRows, ...faultRows, ...lackRows];
