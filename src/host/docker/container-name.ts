/**
 * What its engine calls a container: asked of the engine's socket once, since the place of a runner is known by this name.
 * Without a socket the beginning of its id does, which every command of an engine takes as well.
 */
import { deadlineOf } from '../../core/abort.ts';
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

const named = new Map<string, Promise<Container>>();

/** `paths`: those of the host. */
export async function containerNamed(asked: Asked, paths: Paths): Promise<Container> {
  const naming = named.get(asked.id) ?? nameOf(asked, paths);
  if (named.size >= MAX_KNOWN && !named.has(asked.id)) named.clear();
  named.set(asked.id, naming);
  return await naming;
}

async function nameOf({ engine, id }: Asked, paths: Paths): Promise<Container> {
  const socket = engine === undefined ? undefined : ENGINE_SOCKETS[engine];
  const known = socket === undefined ? undefined : await askedName(socket, id, paths);
  const name = known ?? id.slice(0, SHORT_DIGITS);
  const answers = known === undefined || socket === undefined ? {} : { socket };
  return engine === undefined
    ? { id: `container:${name}`, name }
    : { id: `${engine}:${name}`, engine, name, ...answers };
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
