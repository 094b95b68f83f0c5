/**
 * The status of an executor's Docker daemon: does it run, may the runner use it, does it answer, and is its root full?
 * Checks the socket as the runner's user would open it, then requests /_ping, /info and /version.
 */

import { deadlineOf } from '../../core/abort.ts';
import { errnoText, isErrno } from '../../core/errno.ts';
import type { Paths } from '../../core/paths.ts';
import type { Credentials } from '../../core/reading.ts';
import type { DockerAnswer, DockerConnection } from './api.ts';
import { DockerApi } from './api.ts';
import { denialOf } from '../fs/rights.ts';
import { groupName } from '../proc/users.ts';
import { statIn } from '../fs/in-root.ts';

export type DockerStatus =
  | ({ readonly kind: 'up' } & DockerInfo)
  | { readonly kind: 'down' | 'blind' | 'full' | 'error'; readonly why: string }
  | {
      readonly kind: 'denied';
      readonly why: string;
      /** Whose members may use the socket, and its number. */
      readonly group?: string;
      readonly groupId?: number;
    }
  | { readonly kind: 'silent'; readonly asked: string }
  | { readonly kind: 'incompatible'; readonly why: string };

export interface DockerInfo {
  readonly rootDirectory?: string;
  readonly serverVersion?: string;
  readonly kernelVersion?: string;
  readonly apiVersion?: string;
  readonly minimumApiVersion?: string;
  readonly runningContainers?: number;
}

export interface DockerRequest extends DockerConnection {
  readonly credentials?: Credentials;
  readonly answerSeconds: number;
  readonly signal: AbortSignal;
}

const GROUP_WRITE = 0o020;
const NO_SPACE = /no space left on device|disk quota exceeded/i;
const INCOMPATIBLE =
  /client(?: API)? version \S+ is too (?:old|new)|is not supported by the server/i;

/** The daemon is down: the text for each error code. */
const CONNECT_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'connection refused',
  ECONNREFUSED: 'connection refused',
  ENOTSOCK: 'it is not a socket',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'timed out',
  ENOTFOUND: 'its name does not resolve',
};

export async function readDockerStatus(question: DockerRequest): Promise<DockerStatus> {
  const { address, credentials, paths } = question;
  if (address.kind === 'socket') {
    const info = await statIn(paths, address.path).catch((error: unknown) => error);
    if (isErrno(info, 'ENOENT', 'ENOTDIR')) {
      return { kind: 'down', why: `the socket ${address.path} does not exist` };
    }
    const denied = await denialOf(address.path, ['write'], credentials, paths);
    const status = await queryStatus(new DockerApi(question), question);
    // A socket without a listener is the better explanation.
    if (denied === undefined || status.kind === 'down') return status;
    return {
      kind: 'denied',
      why: `user ${credentials?.uid ?? '?'} has no permission for ${denied}`,
      ...(await socketGroup(denied, paths)),
    };
  }
  return await queryStatus(new DockerApi(question), question);
}

/** The group that may write to the socket; undefined where that is root's, or where a folder denies the access. */
async function socketGroup(
  path: string,
  paths: Paths,
): Promise<{ readonly group?: string; readonly groupId?: number }> {
  const info = await statIn(paths, path).catch(() => undefined);
  const isOpen = info?.isSocket() === true && (info.mode & GROUP_WRITE) !== 0 && info.gid !== 0;
  return isOpen ? { group: await groupName(info.gid, paths), groupId: info.gid } : {};
}

/** Each request has the deadline of its own, as in the runner's client. */
async function queryStatus(api: DockerApi, question: DockerRequest): Promise<DockerStatus> {
  let asked = '/_ping';
  using deadline = deadlineOf(question.answerSeconds, question.signal);
  try {
    const ping = await api.get(asked, deadline.signal);
    asked = '/info';
    const info = await api.get(asked, deadline.signal);
    asked = '/version';
    const version = await api.get(asked, deadline.signal);
    return judgeAnswers([ping, info, version]);
  } catch (error) {
    if (question.signal.aborted) throw error;
    const code = errnoText(error);
    if (isErrno(error, 'EACCES', 'EPERM')) return { kind: 'blind', why: code };
    const down = CONNECT_ERRORS[code];
    if (down !== undefined) return { kind: 'down', why: `${down} (${code})` };
    // The queue of the socket is full: its process accepts no connections.
    if (deadline.signal.aborted || code === 'EAGAIN') return { kind: 'silent', asked };
    return { kind: 'error', why: `${asked}: ${code}` };
  }
}

function judgeAnswers(answers: readonly DockerAnswer[]): DockerStatus {
  const bad = answers.find(({ status }) => status >= 400);
  return bad === undefined ? describeDaemon(answers) : judgeError(bad);
}

function judgeError({ status, body }: DockerAnswer): DockerStatus {
  const why = `${status}: ${messageOf(body)}`;
  if (NO_SPACE.test(body)) return { kind: 'full', why };
  return { kind: INCOMPATIBLE.test(body) ? 'incompatible' : 'error', why };
}

function describeDaemon([, info, version]: readonly DockerAnswer[]): DockerStatus {
  const [about, versions] = [recordOf(info?.body ?? ''), recordOf(version?.body ?? '')];
  return {
    kind: 'up',
    ...textEntry('rootDirectory', about['DockerRootDir']),
    ...textEntry('serverVersion', about['ServerVersion']),
    ...textEntry('kernelVersion', about['KernelVersion']),
    ...textEntry('apiVersion', versions['ApiVersion']),
    ...textEntry('minimumApiVersion', versions['MinAPIVersion']),
    ...countEntry('runningContainers', about['ContainersRunning']),
  };
}

function messageOf(body: string): string {
  const message = recordOf(body)['message'];
  return (typeof message === 'string' ? message : body).trim().slice(0, 200);
}

function recordOf(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function textEntry<K extends string>(key: K, value: unknown): { readonly [N in K]?: string } {
  return typeof value === 'string' ? ({ [key]: value.slice(0, 200) } as { [N in K]: string }) : {};
}

function countEntry<K extends string>(key: K, value: unknown): { readonly [N in K]?: number } {
  return typeof value === 'number' ? ({ [key]: value } as { [N in K]: number }) : {};
}
