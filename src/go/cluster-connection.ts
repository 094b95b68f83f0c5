/**
 * How client-go connects to the API server of Kubernetes: with the files of config.toml, or with those of the account of a
 * pod (docs/reference/runner-config.md#kubernetes).
 */
import type { ConnectionOptions } from 'node:tls';

import type { Clock } from '../core/clock.ts';
import { isErrno } from '../core/errno.ts';
import type { Paths } from '../core/paths.ts';
import { Secret } from '../core/secret.ts';
import type { ClusterBackend } from '../core/target.ts';
import { readTextIn } from '../host/fs/in-root.ts';
import type { ClusterConnection } from '../host/kubernetes/api.ts';
import { lookupLikeGo } from './dns/lookup-function.ts';
import { readSystemRoots } from './tls/system-roots.ts';

export interface ClusterDeps {
  readonly paths: Paths;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The runner has files that are not visible here. */
  readonly isUnseen: boolean;
}

type Obstacle = 'setting-missing' | 'host-invalid' | 'account-missing' | 'file-unreadable';

type Known =
  | { readonly kind: 'connection'; readonly connection: ClusterConnection }
  | {
      readonly kind: 'obstacle';
      readonly obstacle: Obstacle;
      readonly detail: string;
      readonly facts?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'unknown'; readonly detail: string };

/** What stops it is found before anything is sent. */
export async function clusterConnection(
  backend: ClusterBackend,
  deps: ClusterDeps,
): Promise<Known> {
  const { api, source, proxy, lacks } = backend;
  const [setting] = lacks;
  if (setting !== undefined) {
    const detail = `config.toml has no ${setting}`;
    return { kind: 'obstacle', obstacle: 'setting-missing', detail, facts: { setting } };
  }
  if (api === undefined) {
    return { kind: 'obstacle', obstacle: 'host-invalid', detail: `the ${source} is no URL` };
  }
  if (proxy.kind === 'proxy') {
    const why = `NO_PROXY does not name ${api.hostname}`;
    const detail = `the runner goes to the API server through the proxy of ${proxy.variable}, since ${why}`;
    return { kind: 'unknown', detail };
  }
  const files = await readFiles(backend, deps.paths);
  const bad = files.find((file) => file.text === undefined && !isSpare(file, backend));
  if (bad !== undefined) return faultOfFile(bad, backend, deps);
  const textOf = (path: string | undefined) => files.find((file) => file.path === path)?.text;
  if (deps.isUnseen && api.protocol === 'https:' && textOf(backend.caFile) === undefined) {
    return { kind: 'unknown', detail: 'what the runner trusts is not visible here' };
  }
  const account = textOf(backend.tokenFile);
  const token = backend.token ?? (account === undefined ? undefined : new Secret(account.trim()));
  const { paths, clock, signal } = deps;
  return {
    kind: 'connection',
    connection: {
      url: api,
      ...(api.protocol === 'http:' ? {} : { tls: await tlsOf(backend, textOf, paths) }),
      ...(token === undefined ? {} : { token }),
      lookup: lookupLikeGo({ paths, signal, clock }),
      signal,
    },
  };
}

interface ReadFile {
  readonly path: string;
  readonly text: string | undefined;
  readonly isGone: boolean;
}

async function readFiles(
  { caFile, certFile, keyFile, tokenFile }: ClusterBackend,
  paths: Paths,
): Promise<readonly ReadFile[]> {
  const named = [caFile, certFile, keyFile, tokenFile].flatMap((path) => path ?? []);
  return await Promise.all(
    named.map(async (path) =>
      readTextIn(paths, path).then(
        (text) => ({ path, text, isGone: false }),
        (error: unknown) => ({
          path,
          text: undefined,
          isGone: isErrno(error, 'ENOENT', 'ENOTDIR'),
        }),
      ),
    ),
  );
}

/** Without the authority of the pod, client-go takes those of the system. */
function isSpare({ path }: ReadFile, { caFile, tokenFile }: ClusterBackend): boolean {
  return path === caFile && tokenFile !== undefined;
}

function faultOfFile(
  { path, isGone }: ReadFile,
  { tokenFile }: ClusterBackend,
  { isUnseen }: ClusterDeps,
): Known {
  if (!isGone) return { kind: 'unknown', detail: `${path} cannot be read by runnerwatch` };
  if (isUnseen) return { kind: 'unknown', detail: `${path} is not visible here` };
  const obstacle = path === tokenFile ? 'account-missing' : 'file-unreadable';
  return { kind: 'obstacle', obstacle, detail: `there is no ${path}`, facts: { path } };
}

async function tlsOf(
  { caFile, certFile, keyFile }: ClusterBackend,
  textOf: (path: string | undefined) => string | undefined,
  paths: Paths,
): Promise<ConnectionOptions> {
  const [ca, cert, key] = [caFile, certFile, keyFile].map((path) =>
    path === undefined ? undefined : textOf(path),
  );
  return {
    minVersion: 'TLSv1.2',
    ca: ca ?? [...(await readSystemRoots({ certsDirectory: '' }, paths))],
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}
