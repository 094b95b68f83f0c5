/**
 * The container engine of this host, Docker or podman, by its socket: makes one image and one container of the demo and
 * removes both. Names of no other image or container are ever sent to it.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import type { Engine } from '../core/container.ts';
import type { Paths } from '../core/paths.ts';
import { printable } from '../core/printable.ts';
import { ENGINE_SOCKETS } from '../host/docker/container-name.ts';

/** Docker first: its socket may be a link to that of podman, which comes to the same. */
const WANTED: readonly Engine[] = ['docker', 'podman'];
const LOOK_MILLISECONDS = 3000;
/** Importing, starting and stopping take a moment on a busy host. */
const ORDER_MILLISECONDS = 60_000;
/** A tar archive without a file ends at once: with two empty blocks. */
const EMPTY_ARCHIVE = Buffer.alloc(1024);

export interface DemoEngine {
  /** Of its client program. */
  readonly name: string;
  /** Where it listens. */
  readonly socket: string;
  /** An image without a file. */
  importImage(name: string): Promise<void>;
  removeImage(name: string): Promise<void>;
  /** By the body of POST /containers/create. */
  createContainer(name: string, body: Readonly<Record<string, unknown>>): Promise<void>;
  startContainer(name: string): Promise<void>;
  /** Sends it its signal to stop, and waits for its end. */
  stopContainer(name: string): Promise<void>;
  signalContainer(name: string, signal: NodeJS.Signals): Promise<void>;
  /** Resolves with its last line when it has ended; rejects with the signal. */
  endOfContainer(name: string, signal: AbortSignal): Promise<string>;
  /** Its first process, as this host numbers it; 0 where it does not run. */
  processOf(name: string): Promise<number>;
  /** Also one that runs, or that is gone already. */
  removeContainer(name: string): Promise<void>;
}

/** Rejects with one sentence where no engine answers, or this user may not look into its containers. */
export async function findEngine(
  { rootfs }: Pick<Paths, 'rootfs'>,
  uid: number | undefined = process.getuid?.(),
): Promise<DemoEngine> {
  if (uid !== 0)
    throw new Error(
      'with --container it needs root, to look into the container: type the same command with sudo',
    );
  const sockets = WANTED.map((name) => ({
    name,
    socket: join(rootfs, ENGINE_SOCKETS.get(name) ?? ''),
  }));
  for (const one of sockets) if (await answers(one.socket)) return engineAt(one);
  const tried = sockets.map(({ socket }) => socket).join(' or ');
  throw new Error(
    `with --container it needs Docker or podman, and none answers at ${tried}: install one ` +
      '(sudo apt-get install docker.io), or start it (sudo systemctl start docker, or podman.socket)',
  );
}

async function answers(socket: string): Promise<boolean> {
  const signal = AbortSignal.timeout(LOOK_MILLISECONDS);
  return await ask({ socket, method: 'GET', path: '/version', signal }).then(
    ({ status }) => status === 200,
    () => false,
  );
}

function engineAt({ name: program, socket }: Pick<DemoEngine, 'name' | 'socket'>): DemoEngine {
  const order = async (method: string, path: string, more: More = {}): Promise<string> => {
    const { body, signal = AbortSignal.timeout(ORDER_MILLISECONDS) } = more;
    const { status, content } = await ask({ socket, method, path, body, signal });
    const isGone = method === 'DELETE' && status === 404;
    // 304: it runs, or has stopped, already.
    if (status >= 400 && !isGone)
      throw new Error(`the container engine answers ${messageOf(content)}`);
    return content;
  };
  return {
    name: program,
    socket,
    importImage: async (name) => {
      const path = `/images/create?fromSrc=-&repo=${name}&tag=latest`;
      await order('POST', path, { body: { type: 'application/x-tar', content: EMPTY_ARCHIVE } });
    },
    removeImage: async (name) => void (await order('DELETE', `/images/${name}:latest`)),
    createContainer: async (name, about) => {
      const content = Buffer.from(JSON.stringify(about));
      const body = { type: 'application/json', content };
      await order('POST', `/containers/create?name=${name}`, { body });
    },
    startContainer: async (name) => void (await order('POST', `/containers/${name}/start`)),
    stopContainer: async (name) => void (await order('POST', `/containers/${name}/stop?t=5`)),
    signalContainer: async (name, signal) =>
      void (await order('POST', `/containers/${name}/kill?signal=${signal}`)),
    endOfContainer: async (name, signal) => {
      await order('POST', `/containers/${name}/wait`, { signal });
      const log = await order('GET', `/containers/${name}/logs?stdout=1&stderr=1&tail=1`);
      // Each piece of a log has a head of eight bytes.
      return printable(log.slice(8)).trim();
    },
    processOf: async (name) => {
      const about: unknown = JSON.parse(await order('GET', `/containers/${name}/json`));
      const { State: state } = about as { readonly State?: { readonly Pid?: number } };
      return state?.Pid ?? 0;
    },
    removeContainer: async (name) =>
      void (await order('DELETE', `/containers/${name}?force=true&v=true`)),
  };
}

interface Body {
  readonly type: string;
  readonly content: Buffer;
}

interface More {
  readonly body?: Body | undefined;
  readonly signal?: AbortSignal;
}

interface Asked extends More {
  readonly socket: string;
  readonly method: string;
  readonly path: string;
  readonly signal: AbortSignal;
}

async function ask({ socket, method, path, signal, body }: Asked) {
  const sent = request({
    socketPath: socket,
    method,
    path,
    agent: false,
    signal,
    headers: {
      Host: 'docker',
      'Content-Length': body?.content.length ?? 0,
      ...(body === undefined ? {} : { 'Content-Type': body.type }),
    },
  });
  const answered = once(sent, 'response');
  sent.end(body?.content);
  const [response] = (await answered) as [IncomingMessage];
  return { status: response.statusCode ?? 0, content: await text(response) };
}

/** The engine's own words. */
function messageOf(content: string): string {
  try {
    const { message } = JSON.parse(content) as { readonly message?: unknown };
    return typeof message === 'string' ? message.trim() : content.trim();
  } catch {
    return content.trim();
  }
}
