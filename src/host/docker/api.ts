/**
 * A client of the Docker API: short GET requests over its socket or TCP, as the runner's client sends them.
 *
 * Promises: ends with the signal; at most 256 KiB of an answer are kept; the path has no version, so that a daemon of
 * any age accepts it. Podman's socket has the same API.
 */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { join } from 'node:path';

import { withoutBrackets } from '../../core/address.ts';
import type { Paths } from '../../core/paths.ts';
import { inRoot } from '../../core/paths.ts';

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
  /** How the name of another host is resolved. */
  readonly lookup?: LookupFunction;
}

export interface DockerAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
  readonly bytes: Buffer;
}

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
  readonly #lookup: LookupFunction | undefined;

  constructor({ address, paths, certificates, lookup }: DockerConnection) {
    this.#address = address;
    this.#paths = paths;
    this.#certificates = certificates;
    this.#lookup = lookup;
  }

  /** Rejects with the error of the connection, or with the signal's reason. */
  async get(path: string, signal: AbortSignal, maxBytes = MAX_BYTES): Promise<DockerAnswer> {
    const address = this.#address;
    const lookup = this.#lookup === undefined ? {} : { lookup: this.#lookup };
    const common = { path, signal, agent: false, ...lookup, maxBytes } as const;
    if (address.kind === 'socket') {
      const socketPath = inRoot(this.#paths, address.path);
      return await sendRequest(httpRequest, { ...common, socketPath, headers: { Host: 'docker' } });
    }
    const { host, port, tls } = address;
    if (!tls) return await sendRequest(httpRequest, { ...common, host, port });
    return await sendRequest(httpsRequest, { ...common, host, port, ...(await this.#tlsFiles()) });
  }

  /** With a folder its authority alone is trusted; a file that is missing is left out. */
  async #tlsFiles() {
    const folder = this.#certificates;
    if (folder === undefined) return {};
    const [ca, cert, key] = await Promise.all(
      ['ca.pem', 'cert.pem', 'key.pem'].map(
        async (name) =>
          await readFile(inRoot(this.#paths, join(folder, name)), 'utf8').catch(() => undefined),
      ),
    );
    return {
      minVersion: 'TLSv1.2' as const,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    };
  }
}

/** The error that the kernel would report after its own timeout. */
class ConnectTimeoutError extends Error {
  readonly code = 'ETIMEDOUT';
}

async function sendRequest(
  send: (options: RequestOptions, onAnswer: (answer: IncomingMessage) => void) => unknown,
  { maxBytes, ...options }: RequestOptions & { readonly maxBytes: number },
): Promise<DockerAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<DockerAnswer>();
  const request = send(options, (answer) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else answer.destroy(new Error('the response is too long'));
    });
    answer.once('error', reject);
    answer.once('end', () => {
      const { statusCode = 0, headers } = answer;
      const all = Buffer.concat(chunks);
      resolve({ status: statusCode, headers, body: all.toString(), bytes: all });
    });
  }) as ReturnType<typeof httpRequest>;
  let isConnected = false;
  request.once('socket', (socket) => socket.once('connect', () => (isConnected = true)));
  request.once('error', (error) => {
    const isLate = options.signal?.aborted === true && !isConnected;
    reject(isLate ? new ConnectTimeoutError('the connection was not accepted in time') : error);
  });
  request.end();
  return await promise;
}
