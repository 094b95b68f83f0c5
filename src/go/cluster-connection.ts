/**
 * How client-go connects to the API server of Kubernetes: with the files of config.toml, or with those of the account of a
 * pod (docs/reference/runner-config.md#kubernetes).
 */
import type { SecureContextOptions } from 'node:tls';

import type { Clock } from '../core/clock.ts';
import { isErrno } from '../core/errno.ts';
import type { Paths } from '../core/paths.ts';
import { Secret } from '../core/secret.ts';
import type { ClusterBackend } from '../core/target.ts';
import { readTextIn, statIn } from '../host/fs/in-root.ts';
import type { ClusterConnection } from '../host/kubernetes/api.ts';
import { dialerLikeGo } from './dial/dialer.ts';
import { readClientPair } from './tls/client-pair.ts';
import { certificatesOf } from './tls/pem.ts';
import { readSystemRoots } from './tls/system-roots.ts';

export interface ClusterDeps {
  readonly paths: Paths;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Of a connection, with all addresses of the server. */
  readonly timeoutSeconds: number;
  /** The runner has files that are not visible here. */
  readonly isUnseen: boolean;
}

interface Obstruction {
  readonly kind: 'obstacle';
  readonly obstacle: 'setting-missing' | 'host-invalid' | 'account-missing' | 'file-unusable';
  readonly detail: string;
  readonly facts?: Readonly<Record<string, string>>;
}

type Known =
  | { readonly kind: 'connection'; readonly connection: ClusterConnection }
  | Obstruction
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
  if (bad !== undefined) return await faultOfFile(bad, backend, deps);
  const textOf = (setting: Setting) => files.find((file) => file.setting === setting)?.text;
  const tls = api.protocol === 'http:' ? {} : await tlsOf(backend, textOf('ca_file'), deps);
  if ('kind' in tls) return tls;
  const account = textOf('token');
  const token = backend.token ?? (account === undefined ? undefined : new Secret(account.trim()));
  return {
    kind: 'connection',
    connection: {
      url: api,
      ...tls,
      ...(token === undefined ? {} : { token }),
      dial: dialerLikeGo(deps),
      signal: deps.signal,
    },
  };
}

type Setting = 'ca_file' | 'cert_file' | 'key_file' | 'token';

interface ReadFile {
  readonly setting: Setting;
  readonly path: string;
  readonly text: string | undefined;
  readonly isGone: boolean;
}

async function readFiles(
  { caFile, certFile, keyFile, tokenFile }: ClusterBackend,
  paths: Paths,
): Promise<readonly ReadFile[]> {
  const named = [
    ['ca_file', caFile],
    ['cert_file', certFile],
    ['key_file', keyFile],
    ['token', tokenFile],
  ] as const;
  const files = await Promise.all(
    named.map(async ([setting, path]) =>
      path === undefined ? undefined : await readOne(setting, path, paths),
    ),
  );
  return files.filter((file) => file !== undefined);
}

async function readOne(setting: Setting, path: string, paths: Paths): Promise<ReadFile> {
  try {
    const text = await readTextIn(paths, path);
    return { setting, path, text, isGone: false };
  } catch (error) {
    return { setting, path, text: undefined, isGone: isErrno(error, ...GONE) };
  }
}

const GONE = ['ENOENT', 'ENOTDIR'] as const;

/** Without the authority of the pod, client-go takes those of the system. */
function isSpare({ setting, isGone }: ReadFile, { tokenFile }: ClusterBackend): boolean {
  return setting === 'ca_file' && tokenFile !== undefined && isGone;
}

async function faultOfFile(
  { setting, path, isGone }: ReadFile,
  { kubeconfigs = [] }: ClusterBackend,
  { isUnseen, paths }: ClusterDeps,
): Promise<Known> {
  if (!isGone) return { kind: 'unknown', detail: `${path} cannot be read by runnerwatch` };
  if (isUnseen) return { kind: 'unknown', detail: `${path} is not visible here` };
  const because = `there is no ${path}`;
  if (setting !== 'token') return unusable(setting, because);
  for (const kubeconfig of kubeconfigs) {
    if (await mayBeThere(kubeconfig, paths)) {
      const instead = `the runner takes its cluster from ${kubeconfig}, which runnerwatch does not read`;
      return { kind: 'unknown', detail: `${because}, and ${instead}` };
    }
  }
  return { kind: 'obstacle', obstacle: 'account-missing', detail: because };
}

async function mayBeThere(path: string, paths: Paths): Promise<boolean> {
  return await statIn(paths, path).then(
    () => true,
    (error: unknown) => !isErrno(error, ...GONE),
  );
}

/** client-go makes no client with such a file. */
function unusable(setting: string, because: string): Obstruction {
  const detail = `${setting} in [runners.kubernetes] cannot be used: ${because}`;
  return { kind: 'obstacle', obstacle: 'file-unusable', detail, facts: { setting, because } };
}

type Fault = Exclude<Known, { kind: 'connection' }>;

async function tlsOf(
  backend: ClusterBackend,
  authorities: string | undefined,
  deps: ClusterDeps,
): Promise<Pick<ClusterConnection, 'tls'> | Fault> {
  const ca = await authoritiesOf(backend, authorities ?? '', deps);
  if ('kind' in ca) return ca;
  const own = await identityOf(backend, deps.paths);
  return 'kind' in own ? own : { tls: { minVersion: 'TLSv1.2', ...ca, ...own } };
}

async function authoritiesOf(
  { caFile = '', tokenFile, system }: ClusterBackend,
  text: string,
  { paths, isUnseen }: ClusterDeps,
): Promise<Pick<SecureContextOptions, 'ca'> | Fault> {
  const ca = certificatesOf(text).map((certificate) => certificate.toString());
  if (ca.length > 0) return { ca };
  // Of a pod it is not used then, and an empty file is the same as none.
  if (text !== '' && tokenFile === undefined) {
    return unusable('ca_file', `no certificate in ${caFile}`);
  }
  return isUnseen
    ? { kind: 'unknown', detail: 'what the runner trusts is not visible here' }
    : { ca: [...(await readSystemRoots({ certsDirectory: '', ...system }, paths))] };
}

async function identityOf(
  { certFile, keyFile }: ClusterBackend,
  paths: Paths,
): Promise<Pick<SecureContextOptions, 'cert' | 'key'> | Fault> {
  if (certFile === undefined || keyFile === undefined) return {};
  const pair = await readClientPair({ certFile, keyFile }, paths, new Set());
  if (pair?.pem !== undefined) return { cert: pair.pem.certificate, key: pair.pem.key };
  return pair !== undefined && 'problem' in pair.client
    ? unusable('cert_file with key_file', pair.client.problem)
    : { kind: 'unknown', detail: `${certFile} and ${keyFile} cannot be read by runnerwatch` };
}
