/**
 * What its engine calls a container: asked of the engine's socket until it answers, since the place of a runner is known
 * by this name. Until then the beginning of its id does, which every command of an engine takes as well.
 */
import { isIP } from 'node:net';

import { deadlineOf } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import type {
  Container,
  ContainerManager,
  ContainerResolver,
  Engine,
  Mounted,
} from '../../core/container.ts';
import type { Paths } from '../../core/paths.ts';
import { printable } from '../../core/printable.ts';
import { DockerApi } from './api.ts';
import type { Labels } from './container-manager.ts';
import { managerOf, mayHaveManager } from './container-manager.ts';

interface Asked {
  readonly engine?: Engine;
  readonly id: string;
}

/** Where the engines of root listen. */
export const ENGINE_SOCKETS: ReadonlyMap<Engine, string> = new Map([
  // The socket of Docker may be a link to that of podman.
  ['podman', '/run/podman/podman.sock'],
  ['docker', '/var/run/docker.sock'],
]);
const ANSWER_SECONDS = 2;
const SHORT_DIGITS = 12;
const MAX_KNOWN = 500;
const MAX_MOUNTS = 50;

/** An engine that did not name it may only be starting. */
const ASK_AGAIN_SECONDS = 60;

interface Naming {
  readonly name: Promise<Container>;
  /** By the monotonic clock. */
  readonly askedAtSeconds: number;
}

/** A name that an engine gave holds; without one it is asked again, once a minute. */
export class ContainerNames {
  readonly #clock: Clock;
  readonly #known = new Map<string, Naming>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `paths`: those of the host. */
  async of(asked: Asked, paths: Paths): Promise<Container> {
    const known = this.#known.get(keyOf(asked, paths));
    if (known === undefined) return await this.#ask(asked, paths);
    const name = await known.name;
    if (name.isNamedById === undefined) return name;
    const isOld = this.#clock.seconds() - known.askedAtSeconds >= ASK_AGAIN_SECONDS;
    // Another caller may have asked by now.
    const isLast = this.#known.get(keyOf(asked, paths)) === known;
    return isOld && isLast ? await this.#ask(asked, paths) : name;
  }

  async #ask(asked: Asked, paths: Paths): Promise<Container> {
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    const name = readContainer(asked, paths);
    this.#known.set(keyOf(asked, paths), { name, askedAtSeconds: this.#clock.seconds() });
    return await name;
  }
}

/** Each host has its own engines. */
function keyOf({ id }: Asked, { rootfs }: Paths): string {
  return `${rootfs} ${id}`;
}

/** Asked now. */
export async function readContainer({ engine, id }: Asked, paths: Paths): Promise<Container> {
  const socket = engine === undefined ? undefined : ENGINE_SOCKETS.get(engine);
  const known = socket === undefined ? undefined : await askedName({ engine, id, socket, paths });
  const name = known?.name ?? id.slice(0, SHORT_DIGITS);
  const told =
    known === undefined || socket === undefined
      ? ({ isNamedById: true } as const)
      : {
          socket,
          mounted: known.mounted,
          ...(known.resolver === undefined ? {} : { resolver: known.resolver }),
          ...(known.manager === undefined ? {} : { manager: known.manager }),
        };
  return engine === undefined
    ? { id: `container:${name}`, name, ...told }
    : { id: `${engine}:${name}`, engine, name, ...told };
}

interface Question {
  readonly engine: Engine | undefined;
  readonly id: string;
  readonly socket: string;
  readonly paths: Paths;
}

interface Inspected {
  readonly Name?: unknown;
  readonly Image?: unknown;
  readonly Config?: { readonly Labels?: unknown };
  readonly HostConfig?: { readonly Dns?: unknown; readonly NetworkMode?: unknown };
  readonly Mounts?: unknown;
}

interface Named {
  readonly name: string;
  readonly manager: ContainerManager | undefined;
  readonly mounted: readonly Mounted[];
  readonly resolver: ContainerResolver | undefined;
}

/** Undefined when no engine answers, or it does not know the container. */
async function askedName({ engine, id, socket, paths }: Question): Promise<Named | undefined> {
  using deadline = deadlineOf(ANSWER_SECONDS);
  const api = new DockerApi({ address: { kind: 'socket', path: socket }, paths });
  const get = async (path: string): Promise<unknown> => {
    const { status, body } = await api.get(path, deadline.signal);
    return status === 200 ? JSON.parse(body) : {};
  };
  try {
    const inspected = (await get(`/containers/${id}/json`)) as Inspected;
    const plain =
      typeof inspected.Name === 'string' ? inspected.Name.replace(/^\//, '') : undefined;
    if (plain === undefined || !/^[\w.-]{1,128}$/.test(plain)) return undefined;
    const manager = await askedManager(inspected, get, {
      engine,
      paths,
      signal: deadline.signal,
    }).catch(() => undefined);
    const mounted = mountedOf(inspected.Mounts);
    return { name: plain, manager, mounted, resolver: resolverOf(inspected.HostConfig) };
  } catch {
    return undefined;
  }
}

async function askedManager(
  { Config: config, Image: image }: Inspected,
  get: (path: string) => Promise<unknown>,
  where: Pick<Question, 'engine' | 'paths'> & { readonly signal: AbortSignal },
): Promise<ContainerManager | undefined> {
  const labels = labelsOf(config?.Labels);
  if (!mayHaveManager(labels) || typeof image !== 'string') return undefined;
  const { Config: ofImage } = (await get(`/images/${encodeURIComponent(image)}/json`)) as Inspected;
  const isSwarmManager = async (): Promise<boolean> => {
    const { Swarm: swarm } = (await get('/info')) as {
      readonly Swarm?: { readonly ControlAvailable?: unknown };
    };
    return swarm?.ControlAvailable === true;
  };
  if (ofImage === undefined) return undefined;
  const imageLabels = labelsOf(ofImage.Labels);
  return await managerOf({ ...where, labels, imageLabels, isSwarmManager });
}

/** With the network of another container it has the file of that one. */
function resolverOf(config: Inspected['HostConfig']): ContainerResolver | undefined {
  const { Dns: dns, NetworkMode: mode } = config ?? {};
  if (typeof mode !== 'string' || mode === 'none' || mode.startsWith('container:'))
    return undefined;
  const given: readonly unknown[] = Array.isArray(dns) ? dns : [];
  const servers = given.filter((one) => typeof one === 'string' && isIP(one) !== 0);
  return { servers: servers.map(String), hasHostNetwork: mode === 'host' };
}

/** Whoever made the container chose them. */
function mountedOf(value: unknown): readonly Mounted[] {
  const mounts: readonly unknown[] = Array.isArray(value) ? value.slice(0, MAX_MOUNTS) : [];
  return mounts.flatMap((one) => {
    const { Source: source, Destination: target } = one as {
      readonly Source?: unknown;
      readonly Destination?: unknown;
    };
    return isPath(source) && isPath(target) ? [{ source, target }] : [];
  });
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith('/') && printable(value) === value;
}

function labelsOf(value: unknown): Labels {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter(([, text]) => typeof text === 'string'));
}
