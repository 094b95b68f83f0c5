/** What a runner's container is made with: volumes that are full, and a proxy that works. */
import type { EngineName } from '../container/engine.ts';
import type { ContainerSetup } from '../container/place.ts';
import { OPEN as ANY, PROXY_PORT, startProxy } from '../peers/proxy.ts';
import { printedFix } from '../printed-fix.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World, WorldOptions } from '../world.ts';

const OPEN = 'o/o/n/o/o/o/o';
const MUST_NOT = ['disk-inodes-exhausted', 'runner-not-running', 'config-missing', 'unknown'];

interface Kind {
  readonly number: number;
  readonly name: string;
  readonly setup: ContainerSetup;
}

const KINDS: readonly Kind[] = [
  {
    number: 1,
    name: 'Docker, network of the host',
    setup: { engine: 'docker' },
  },
  {
    number: 2,
    name: 'Docker, bridge',
    setup: { engine: 'docker', isBridged: true },
  },
  {
    number: 3,
    name: 'Docker, named volume',
    setup: { engine: 'docker', isBridged: true, hasNamedVolume: true },
  },
  {
    number: 4,
    name: 'podman, network of the host',
    setup: { engine: 'podman' },
  },
  {
    number: 5,
    name: 'podman, bridge',
    setup: { engine: 'podman', isBridged: true },
  },
];

const MEBIBYTES = 16;
const ON_HOST = '/srv/builds';
const MAKE_DISK = `mountpoint -q ${ON_HOST} || {
  mkdir -p ${ON_HOST} && truncate -s ${MEBIBYTES}M /builds.img && mkfs.ext4 -q -F -m 0 /builds.img &&
  mount -o loop /builds.img ${ON_HOST} && chown 999:999 ${ON_HOST}
}`;
/** Podman takes no size without quotas of its file system: there the disk of the host is the volume. */
const VOLUMES: Readonly<Record<EngineName, string>> = {
  docker: `-o type=tmpfs -o device=tmpfs -o o=size=${MEBIBYTES}m,uid=999`,
  podman: `-o type=none -o o=bind -o device=${ON_HOST}`,
};

/** A small disk of the host, or a small volume of the engine; it is there before the container that has it. */
interface Builds {
  readonly number: number;
  readonly title: string;
  readonly source: string;
  readonly onHost: (kind: Kind) => string;
  readonly make: (world: World) => Promise<unknown>;
}

const BUILDS: readonly Builds[] = [
  {
    number: 20,
    title: 'its builds are on a disk of the host, which is full',
    source: ON_HOST,
    onHost: () => ON_HOST,
    make: async ({ network }) => await network.run('rn', MAKE_DISK),
  },
  {
    number: 21,
    title: 'its builds are in a volume of the engine, which is full',
    source: 'builds',
    onHost: ({ setup }) =>
      setup.engine === 'podman' ? ON_HOST : '/var/lib/docker/volumes/builds/_data',
    make: async ({ container, network }) => {
      const { engine } = container ?? {};
      if (engine?.name === 'podman') await network.run('rn', MAKE_DISK);
      const create = `${engine?.name} volume create ${VOLUMES[engine?.name ?? 'docker']} builds`;
      await engine?.run(`volume inspect builds >&- 2>&- || ${create}`);
    },
  },
];

/** As a job of the entry leaves it. */
async function fill({ network, entries }: World, builds: string): Promise<void> {
  const folder = `${builds}/${entries[0]?.token.slice(5, 14) ?? ''}/0/group/project`;
  const write = `head -c ${MEBIBYTES * 2}M /dev/zero >${folder}/fill 2>&- || true`;
  await network.run('rn', `mkdir -p ${folder} && ${write}`);
}

const full: readonly Row[] = BUILDS.flatMap(({ number, title, source, onHost, make }) =>
  KINDS.map((kind): FaultRow => ({
    id: `W-${kind.number}${number}`,
    title: `${title}: ${kind.name}`,
    world: {
      probes: { disk: '' },
      container: kind.setup,
      before: async (world) => {
        await make(world);
        await world.container?.runner.recreate(`-v ${source}:/builds`);
      },
    },
    inject: async (world) => await fill(world, onHost(kind)),
    expect: {
      cause: 'disk-space-exhausted',
      severity: 'warning',
      chain: OPEN,
      verdict: 'broken',
      says: new RegExp(`/builds \\(builds_dir of shell-1\\).*du [^"]*${onHost(kind)} `),
    },
    mustNot: MUST_NOT,
    fix: printedFix(/rm -rf/),
  })),
);

const PROXY = `http://proxy.test:${PROXY_PORT}`;

/** The only way to GitLab. */
async function serveProxy({ network, adopt }: World): Promise<void> {
  const rule = 'iifname v0 ip daddr 10.200.0.2 tcp dport { 80, 443 } drop';
  await network.rule('gl', 'input', rule);
  adopt(await startProxy(ANY));
}

const PROXIED: WorldOptions = { environment: { HTTPS_PROXY: PROXY }, before: serveProxy };

const proxied: readonly Row[] = KINDS.map(({ number, name, setup }) => ({
  id: `W-${number}81`,
  title: `it has a proxy in its environment, which is the only way: ${name}`,
  world: { ...PROXIED, container: setup },
  allowed: [],
}));

export const containerSettingRows: readonly Row[] = [...full, ...proxied];
