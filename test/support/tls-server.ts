/** TLS servers on loopback: Node's own, with any chain and any limits, and `openssl s_server`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions, TLSSocket } from 'node:tls';
import { createServer } from 'node:tls';

import type { MadeCertificate } from './certificates.ts';

export interface TlsServer extends AsyncDisposable {
  readonly port: number;
}

export interface TlsServerOptions extends Omit<TlsOptions, 'cert' | 'key'> {
  /** As sent, leaf first. */
  readonly chain: readonly [
    Pick<MadeCertificate, 'pem' | 'keyPem'>,
    ...Pick<MadeCertificate, 'pem'>[],
  ];
}

/** Accepts what is older or weaker than Node's defaults, so that the client is the one who judges. */
export async function startTlsServer(
  { chain, ...options }: TlsServerOptions,
  serve: (socket: TLSSocket) => void = () => {},
): Promise<TlsServer> {
  const open = new Set<TLSSocket>();
  const server = createServer({
    ciphers: 'DEFAULT@SECLEVEL=0',
    ...options,
    cert: chain.map(({ pem }) => pem).join(''),
    key: chain[0].keyPem,
  });
  server.on('secureConnection', (socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    serve(socket);
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Unlike Node's server it reports a fault of the client's certificate by an alert. */
export async function startOpensslServer(
  chain: TlsServerOptions['chain'],
  authority: Pick<MadeCertificate, 'pem'>,
  flags: readonly string[] = [],
): Promise<TlsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-s_server-'));
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const leaf = await file('leaf.pem', chain[0].pem);
  const key = await file('key.pem', chain[0].keyPem);
  const own = ['-accept', '127.0.0.1:0', '-naccept', '1', '-cert', leaf, '-key', key];
  const client = ['-CAfile', await file('ca.pem', authority.pem), '-Verify', '2'];
  const child = spawn(
    'openssl',
    ['s_server', ...own, ...client, '-verify_return_error', ...flags],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  );
  const exited = once(child, 'exit');
  return {
    port: await portOf(child.stdout),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

/** It prints `ACCEPT 127.0.0.1:PORT`; later output is read and dropped, because a full pipe would block it. */
async function portOf(output: NodeJS.ReadableStream): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let text = '';
  output.on('data', (piece) => {
    text += String(piece);
    const port = /ACCEPT \S+:(?<port>\d+)/.exec(text)?.groups?.['port'];
    if (port !== undefined) resolve(Number(port));
  });
  output.once('end', () => reject(new Error(`openssl s_server did not start: ${text}`)));
  return await promise;
}
