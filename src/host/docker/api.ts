/**
 * A client of the Docker API: short GET requests over its socket or TCP, as the runner's client sends them.
 *
 * Promises: ends with the signal; at most 256 KiB of an answer are kept; the path has no version, so that a daemon of
 * any age accepts it. Podman's socket has the same API.
 */
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';

import { withoutBrackets } from '../../core/address.ts';
import type { Paths } from '../../core/paths.ts';
import { inRoot, readTextIn } from '../fs/in-root.ts';
import type { Dial } from '../net/network.ts';
import type { ShortAnswer } from '../net/short-request.ts';
import { requestOverTcp, sendShort } from '../net/short-request.ts';

const MAX_BYTES = 256 * 1024;
const DEFAULT_PORT = 2375;
const DEFAULT_TLS_PORT = 2376;

export type DockerAddress =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: boolean };

export interface DockerConnection {
  readonly address: DockerAddress;
  readonly paths: Paths;
  /** Folder of ca.pem, cert.pem and key.pem. */
  readonly certificates?: string;
  /** How another host is reached. */
  readonly dial?: Dial;
}

export type DockerAnswer = ShortAnswer;

/** `unix:///var/run/docker.sock`, `tcp://10.0.0.7:2376`; undefined for what the runner cannot use either. */
export function parseDockerHost(text: string, isTls: boolean): DockerAddress | undefined {
  const path = /^unix:\/\/(?<path>\/.*)$/.exec(text)?.groups?.['path'];
  if (path !== undefined) return { kind: 'socket', path };
  const match = /^(?<scheme>tcp|https?):\/\/(?<rest>[^/]+)/.exec(text)?.groups;
  const url = match === undefined ? null : URL.parse(`http://${match['rest']}`);
  if (url === null) return undefined;
  const tls = isTls || match?.['scheme'] === 'https';
  const port = url.port === '' ? portOf(match?.['rest'] ?? '', tls) : Number(url.port);
  return { kind: 'tcp', host: withoutBrackets(url.hostname), port, tls };
}

/** The URL class drops port 80 of http. */
function portOf(rest: string, tls: boolean): number {
  if (rest.endsWith(':80')) return 80;
  return tls ? DEFAULT_TLS_PORT : DEFAULT_PORT;
}

export class DockerApi {
  readonly #address: DockerAddress;
  readonly #paths: Paths;
  readonly #certificates: string | undefined;
  readonly #dial: Dial | undefined;

  constructor({ address, paths, certificates, dial }: DockerConnection) {
    this.#address = address;
    this.#paths = paths;
    this.#certificates = certificates;
    this.#dial = dial;
  }

  /** Rejects with the error of the connection, or with the signal's reason. */
  async get(path: string, signal: AbortSignal, maxBytes = MAX_BYTES): Promise<DockerAnswer> {
    const address = this.#address;
    const common = { path, signal, maxBytes };
    if (address.kind === 'socket') {
      const headers = { Host: 'docker' };
      return await inRoot(
        this.#paths,
        address.path,
        async (socketPath) =>
          await sendShort(httpRequest, { ...common, agent: false, socketPath, headers }),
      );
    }
    const { host, port, tls } = address;
    const destination = { host, port, dial: this.#dial };
    return await requestOverTcp(destination, tls ? await this.#tlsFiles() : undefined, common);
  }

  /** With a folder its authority alone is trusted; a file that is missing is left out. */
  async #tlsFiles() {
    const folder = this.#certificates;
    if (folder === undefined) return {};
    const [ca, cert, key] = await Promise.all(
      ['ca.pem', 'cert.pem', 'key.pem'].map(
        async (name) => await readTextIn(this.#paths, join(folder, name)).catch(() => undefined),
      ),
    );
    return {
      minVersion: 'TLSv1.2' as const,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    };
  }
}
