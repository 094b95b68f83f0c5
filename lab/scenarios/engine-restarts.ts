/** The engine of a runner's container is restarted, as by an upgrade: with its containers, or while they go on. */
import type { Report } from '../../src/report/document.ts';
import type { ContainerSetup } from '../container/place.ts';
import { untilGood } from '../observe.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';

interface Kind {
  readonly number: number;
  readonly name: string;
  readonly setup: ContainerSetup;
  /** Its containers go on meanwhile. */
  readonly isLive: boolean;
}

const KINDS: readonly Kind[] = [
  { number: 193, name: 'Docker, network of the host', setup: { engine: 'docker' }, isLive: false },
  {
    number: 293,
    name: 'Docker, bridge',
    setup: { engine: 'docker', isBridged: true },
    isLive: false,
  },
  {
    number: 194,
    name: 'Docker with live-restore, network of the host',
    setup: { engine: 'docker' },
    isLive: true,
  },
  {
    number: 294,
    name: 'Docker with live-restore, bridge',
    setup: { engine: 'docker', isBridged: true },
    isLive: true,
  },
  {
    number: 493,
    name: 'podman, network of the host',
    setup: { engine: 'podman' },
    isLive: true,
  },
  {
    number: 593,
    name: 'podman, bridge',
    setup: { engine: 'podman', isBridged: true },
    isLive: true,
  },
];

const DAEMON_JSON = '/etc/docker/daemon.json';
const LIVE = { [DAEMON_JSON]: '{ "live-restore": true }' };
const ALLOWED = ['runner-shutting-down'];
const PATIENCE_SECONDS = 120;
/** Its own, by which it comes back from another one. */
const OWN_NAMESPACES = 1;

function startOf({ checks }: Report): number {
  const service = checks.find(({ probe }) => probe === 'service');
  return service?.status === 'pass' ? (service.measures['started_timestamp_seconds'] ?? 0) : 0;
}

async function restart({ container, daemon }: World, isLive: boolean): Promise<void> {
  const before = startOf(await daemon.report());
  await container?.engine.restart();
  const lack = (report: Report): string | undefined => {
    const isFound = isLive ? startOf(report) === before : startOf(report) > before;
    return isFound && report.verdict === 'healthy' ? undefined : report.verdict;
  };
  const { lacks } = await untilGood(daemon, lack, PATIENCE_SECONDS);
  if (lacks !== undefined) throw new Error(`the runner is not found again: ${lacks}`);
  const named = [...daemon.output().matchAll(/"cause appeared" cause=(?<id>\S+)/g)].flatMap(
    ({ groups }) => groups?.['id'] ?? [],
  );
  const wrong = named.filter((id) => !ALLOWED.includes(id));
  if (wrong.length > 0) throw new Error(`meanwhile it named ${wrong.join(', ')}`);
  const held = await daemon.heldNamespaces();
  if (held.length > OWN_NAMESPACES) throw new Error(`it holds ${held.join(', ')}`);
}

export const engineRestartRows: readonly Row[] = KINDS.map(({ number, name, setup, isLive }) => ({
  id: `W-${number}`,
  title: `its engine is restarted: ${name}`,
  world: {
    container: setup,
    ...(isLive && setup.engine === 'docker' ? { files: () => LIVE } : {}),
  },
  act: async (world) => await restart(world, isLive),
  // Without its engine the log of a container cannot be read.
  isUnsureMeanwhile: true,
  allowed: ALLOWED,
}));
