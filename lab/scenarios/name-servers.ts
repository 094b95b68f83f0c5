/**
 * Runners in containers whose host has other name servers than those that the engine copied when it started them: by a
 * VPN, by DHCP, by a person.
 */
import type { ContainerSetup } from '../container/place.ts';
import { DEAD_ADDRESS, GITLAB_ADDRESS, SECOND_RESOLVER } from '../network.ts';
import { startDnsForwarder } from '../peers/dns-forwarder.ts';
import { usualScript } from '../peers/names.ts';
import { printedFix } from '../printed-fix.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';

const RESOLV_CONF = '/etc/resolv.conf';
const DAEMON_JSON = '/etc/docker/daemon.json';
const STUB = '127.0.0.53';
const OPTIONS = 'options timeout:1 attempts:2\n';
const NO_NAME = 'F/s/n/s/s/s/s';
const CAUSE = 'dns-container-copy-outdated';
const GUESSES = ['dns-timeout', 'dns-resolver-down', 'dns-server-failure', 'dns-name-not-found'];
const MUST_NOT = [...GUESSES, 'dns-wrong-answer', 'runner-not-running', 'unknown'];

interface Kind {
  readonly number: number;
  readonly name: string;
  readonly world: WorldOptions & { readonly container: ContainerSetup };
}

/** As compose makes one: its names are answered by the engine, which asks the name servers of its start. */
async function moveToOwnNetwork({ container }: World): Promise<void> {
  await container?.engine.run('network create --subnet 172.29.0.0/24 build 2>&- || true');
  await container?.runner.recreate('--network build');
}

const KINDS: readonly Kind[] = [
  {
    number: 1,
    name: 'Docker, network of the host',
    world: { container: { engine: 'docker' } },
  },
  {
    number: 2,
    name: 'Docker, bridge',
    world: { container: { engine: 'docker', isBridged: true } },
  },
  {
    number: 3,
    name: 'Docker, named volume',
    world: { container: { engine: 'docker', isBridged: true, hasNamedVolume: true } },
  },
  {
    number: 4,
    name: 'podman, network of the host',
    world: { container: { engine: 'podman' } },
  },
  {
    number: 5,
    name: 'podman, bridge',
    world: { container: { engine: 'podman', isBridged: true } },
  },
];

const OWN_NETWORK: Kind = {
  number: 6,
  name: 'Docker, network of its own',
  world: { container: { engine: 'docker', isBridged: true }, before: moveToOwnNetwork },
};

/** The host asks the second one from now on, and the container the first one. */
async function hostChanges({ files }: World): Promise<void> {
  await files.write(RESOLV_CONF, `nameserver ${SECOND_RESOLVER}\n${OPTIONS}`);
}

interface Fault {
  readonly title: string;
  /** What becomes of the first one. */
  readonly first: (world: World) => Promise<unknown> | void;
  readonly expect: Partial<FaultRow['expect']>;
}

const FAULTS: readonly Fault[] = [
  {
    title: 'its host has other name servers since it started, and the old one is silent',
    first: async ({ network }) =>
      await network.rule(
        'gl',
        'input',
        `ip daddr ${GITLAB_ADDRESS} meta l4proto { tcp, udp } th dport 53 drop`,
      ),
    expect: { chain: NO_NAME },
  },
  {
    title: 'its host has other name servers since it started, and the old one knows no such name',
    first: ({ names }) => names.answer(() => 'nxdomain', usualScript),
    expect: { chain: NO_NAME },
  },
  {
    title: 'its host has other name servers since it started, and the old one has an old address',
    first: ({ names }) =>
      names.answer((name, type) => (type === 'A' ? [DEAD_ADDRESS] : []), usualScript),
    expect: { chain: 'do/F/n/s/s/s/s' },
  },
];

const outdated: readonly Row[] = FAULTS.flatMap(({ title, first, expect }, index) =>
  [...KINDS, OWN_NETWORK].map(({ number, name, world }): FaultRow => ({
    id: `W-${number}${index + 50}`,
    title: `${title}: ${name}`,
    world,
    inject: async (made) => {
      await hostChanges(made);
      await first(made);
    },
    expect: {
      cause: CAUSE,
      severity: 'critical',
      says: new RegExp(`${SECOND_RESOLVER}, which the host has now, returns ${GITLAB_ADDRESS}`),
      ...expect,
    },
    mustNot: MUST_NOT,
    fix: printedFix(/ restart gitlab-runner/),
  })),
);

const changed: readonly Row[] = [...KINDS, OWN_NETWORK].map(({ number, name, world }) => ({
  id: `W-${number}53`,
  title: `its host has other name servers since it started, and both work: ${name}`,
  world,
  act: hostChanges,
  allowed: [],
}));

const chosen: readonly Row[] = KINDS.flatMap(({ number, name, world }): readonly Row[] => {
  const { container } = world;
  const own = { ...world, container: { ...container, options: [`--dns ${SECOND_RESOLVER}`] } };
  return [
    {
      id: `W-${number}54`,
      title: `it was made with a name server of its own (--dns): ${name}`,
      world: own,
      allowed: [],
    },
    {
      id: `W-${number}55`,
      title: `it is made anew with a name server that does not answer (--dns): ${name}`,
      world,
      inject: async ({ container: made }) => await made?.runner.recreate(`--dns ${DEAD_ADDRESS}`),
      expect: {
        cause: 'dns-timeout',
        severity: 'critical',
        chain: NO_NAME,
        says: /set where the container is made \(--dns, .* a restart alone is not enough/,
      },
      mustNot: [CAUSE, 'unknown'],
    },
  ];
});

const others: readonly Row[] = [
  {
    id: 'W-256',
    title: 'the settings of Docker have a name server that has gone: Docker, bridge',
    world: {
      container: { engine: 'docker', isBridged: true },
      files: () => ({
        [DAEMON_JSON]: JSON.stringify({ dns: [GITLAB_ADDRESS] }),
        [RESOLV_CONF]: `nameserver ${SECOND_RESOLVER}\n${OPTIONS}`,
      }),
    },
    inject: async ({ names }) => await names.stop(),
    expect: {
      cause: 'dns-resolver-down',
      severity: 'critical',
      chain: NO_NAME,
      says: /set in \/etc\/docker\/daemon\.json, for all containers/,
    },
    mustNot: [CAUSE, 'unknown'],
  },
  {
    id: 'W-158',
    title: 'its host has left systemd-resolved since it started: Docker, network of the host',
    world: {
      container: { engine: 'docker' },
      files: () => ({ [RESOLV_CONF]: `nameserver ${STUB}\n${OPTIONS}` }),
      before: async ({ network, adopt }) =>
        adopt(await startDnsForwarder(network, STUB, GITLAB_ADDRESS)),
    },
    inject: async (world) => {
      await hostChanges(world);
      await world.release();
    },
    expect: { cause: CAUSE, severity: 'critical', chain: NO_NAME },
    mustNot: MUST_NOT,
    fix: printedFix(/ restart gitlab-runner/),
  },
  {
    id: 'W-258',
    title: 'the file of the host is mounted, and a program replaces it there: Docker, bridge',
    world: {
      container: {
        engine: 'docker',
        isBridged: true,
        options: [`-v ${RESOLV_CONF}:${RESOLV_CONF}:ro`],
      },
    },
    inject: async ({ files, network, names }) => {
      await files.write(`${RESOLV_CONF}.new`, `nameserver ${SECOND_RESOLVER}\n${OPTIONS}`);
      await network.run('rn', `mv ${RESOLV_CONF}.new ${RESOLV_CONF}`);
      await names.stop();
    },
    expect: { cause: CAUSE, severity: 'critical', chain: NO_NAME },
    mustNot: MUST_NOT,
    fix: printedFix(/ restart gitlab-runner/),
  },
  {
    id: 'W-257',
    title: 'a person has written a name server that does not answer into it: Docker, bridge',
    world: { container: { engine: 'docker', isBridged: true } },
    inject: async ({ container }) => {
      const text = `nameserver ${DEAD_ADDRESS}\\n${OPTIONS.trim()}\\n`;
      await container?.engine.run(`exec gitlab-runner sh -c 'printf "${text}" >${RESOLV_CONF}'`);
    },
    expect: { cause: CAUSE, severity: 'critical', chain: NO_NAME },
    mustNot: MUST_NOT,
    fix: printedFix(/ restart gitlab-runner/),
  },
];

export const nameServerRows: readonly Row[] = [...outdated, ...changed, ...chosen, ...others];
