/**
 * What its engine calls a container: asked of the engine's socket until it answers, since the place of a runner is known
 * by this name. Until then the beginning of its id does, which every command of an engine takes as well.
 */
import { deadlineOf } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import type { Container, Engine } from '../../core/container.ts';
import type { Paths } from '../../core/paths.ts';
import { DockerApi } from './api.ts';

interface Asked {
  readonly engine?: Engine;
  readonly id: string;
}

/** Where the engines of root listen. */
const ENGINE_SOCKETS: Readonly<Partial<Record<Engine, string>>> = {
  docker: '/var/run/docker.sock',
  podman: '/run/podman/podman.sock',
};
const ANSWER_SECONDS = 2;
const SHORT_DIGITS = 12;
const MAX_KNOWN = 500;

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
    const known = this.#known.get(asked.id);
    if (known === undefined) return await this.#ask(asked, paths);
    const name = await known.name;
    if (name.isNamedById === undefined) return name;
    const isOld = this.#clock.seconds() - known.askedAtSeconds >= ASK_AGAIN_SECONDS;
    // Another caller may have asked by now.
    const isLast = this.#known.get(asked.id) === known;
    return isOld && isLast ? await this.#ask(asked, paths) : name;
  }

  async #ask(asked: Asked, paths: Paths): Promise<Container> {
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    const name = nameOf(asked, paths);
    this.#known.set(asked.id, { name, askedAtSeconds: this.#clock.seconds() });
    return await name;
  }
}

async function nameOf({ engine, id }: Asked, paths: Paths): Promise<Container> {
  const socket = engine === undefined ? undefined : ENGINE_SOCKETS[engine];
  const known = socket === undefined ? undefined : await askedName(socket, id, paths);
  const name = known ?? id.slice(0, SHORT_DIGITS);
  const told =
    known === undefined || socket === undefined ? ({ isNamedById: true } as const) : { socket };
  return engine === undefined
    ? { id: `container:${name}`, name, ...told }
    : { id: `${engine}:${name}`, engine, name, ...told };
}

/** Undefined when no engine answers, or it does not know the container. */
async function askedName(path: string, id: string, paths: Paths): Promise<string | undefined> {
  using deadline = deadlineOf(ANSWER_SECONDS);
  try {
    const api = new DockerApi({ address: { kind: 'socket', path }, paths });
    const { status, body } = await api.get(`/containers/${id}/json`, deadline.signal);
    const name = status === 200 ? (JSON.parse(body) as { readonly Name?: unknown }).Name : '';
    const plain = typeof name === 'string' ? name.replace(/^\//, '') : '';
    return /^[\w.-]{1,128}$/.test(plain) ? plain : undefined;
  } catch {
    return undefined;
  }
}
