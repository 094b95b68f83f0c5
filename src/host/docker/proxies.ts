/**
 * Proxies in Docker's own files: the daemon's, and those of root's client, which sets them in containers
 * (docs.docker.com: "Daemon proxy configuration", "Use a proxy server with the Docker CLI").
 */

import type { Paths } from '../../core/paths.ts';
import { readTextIn } from '../fs/in-root.ts';

const FILES = ['/etc/docker/daemon.json', '/root/.docker/config.json'];
/** `http-proxy` of the daemon and `httpProxy` of the client, by the variable that means the same. */
const KEYS: Readonly<Record<string, string>> = {
  'http-proxy': 'HTTP_PROXY',
  httpProxy: 'HTTP_PROXY',
  'https-proxy': 'HTTPS_PROXY',
  httpsProxy: 'HTTPS_PROXY',
  'no-proxy': 'NO_PROXY',
  noProxy: 'NO_PROXY',
};

export interface DockerProxies {
  /** `/etc/docker/daemon.json:3`: the line of the first of them. */
  readonly source: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** Files that are not there, or hold no proxies, are left out. */
export async function readDockerProxies(paths: Paths): Promise<readonly DockerProxies[]> {
  const texts = FILES.map(async (file) => {
    const text = await readTextIn(paths, file).catch(() => '');
    const variables = Object.fromEntries(assignmentsIn(parseSettings(text)));
    const line = text.split('\n').findIndex((one) => /"https?-?proxy"/i.test(one)) + 1;
    return line === 0 ? [] : [{ source: `${file}:${line}`, variables }];
  });
  return (await Promise.all(texts)).flat();
}

function parseSettings(text: string): unknown {
  try {
    return (JSON.parse(text) as { readonly proxies?: unknown } | null)?.proxies;
  } catch {
    return undefined;
  }
}

/** The client has one more level: for `default`, or for each daemon. */
function assignmentsIn(proxies: unknown): readonly (readonly [string, string])[] {
  if (typeof proxies !== 'object' || proxies === null) return [];
  return Object.entries(proxies).flatMap(([key, value]: readonly [string, unknown]) => {
    const variable = KEYS[key];
    if (typeof value !== 'string') return assignmentsIn(value);
    return variable === undefined ? [] : [[variable, value] as const];
  });
}
