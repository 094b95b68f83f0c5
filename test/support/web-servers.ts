/** A real nginx and a real HAProxy on loopback, each with a configuration of one line or more. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { closedPort } from './tcp-server.ts';
import { until } from './until.ts';

export interface WebServer extends AsyncDisposable {
  readonly port: number;
}

/** Directives of the one server block: `return 444;`. TLS files are written beside, as `tls.pem`. */
export async function startNginx(
  directives: string,
  pem?: { readonly certificatePem: string; readonly privateKeyPem: string },
): Promise<WebServer> {
  return await startProgram('nginx', async (folder, port) => {
    await mkdir(join(folder, 'html'));
    await writeFile(join(folder, 'html/index.html'), '<h1>Welcome to nginx!</h1>');
    await writeFile(
      join(folder, 'tls.pem'),
      `${pem?.certificatePem ?? ''}${pem?.privateKeyPem ?? ''}`,
    );
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${folder}/${name};`)
      .join(' ');
    const tls =
      pem === undefined
        ? ''
        : ` ssl; ssl_certificate ${folder}/tls.pem; ssl_certificate_key ${folder}/tls.pem`;
    const text = `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
      events {} http { access_log off; ${temporary} server {
        listen 127.0.0.1:${port}${tls}; root ${folder}/html; ${directives.replaceAll('FOLDER', folder)} } }`;
    await writeFile(join(folder, 'nginx.conf'), text);
    return ['-p', folder, '-e', `${folder}/error.log`, '-c', join(folder, 'nginx.conf')];
  });
}

/** Directives of the one proxy: `http-request deny deny_status 429`. */
export async function startHaproxy(...directives: readonly string[]): Promise<WebServer> {
  return await startProgram('haproxy', async (folder, port) => {
    const lines = ['mode http', 'timeout client 9s', 'timeout connect 1s', 'timeout server 9s'];
    const text = `listen web\n  bind 127.0.0.1:${port}\n  ${[...lines, ...directives].join('\n  ')}\n`;
    await writeFile(join(folder, 'haproxy.cfg'), text);
    return ['-db', '-q', '-f', join(folder, 'haproxy.cfg')];
  });
}

async function startProgram(
  program: string,
  configure: (folder: string, port: number) => Promise<readonly string[]>,
): Promise<WebServer> {
  const folder = await mkdtemp(join(tmpdir(), `runnerwatch-${program}-`));
  await chmod(folder, 0o755);
  const port = await closedPort();
  const args = await configure(folder, port);
  const child = spawn(`/usr/sbin/${program}`, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  await until(async () => child.exitCode !== null || (await listens(port)));
  if (child.exitCode !== null) {
    await stop();
    throw new Error(`${program} does not listen on ${port}`);
  }
  return { port, [Symbol.asyncDispose]: stop };
}

async function listens(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: '127.0.0.1', port });
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  const isOpen = await promise;
  socket.destroy();
  return isOpen;
}
