/** A real nginx on GitLab's address, as it comes out of the package: its welcome page, and 404 for the rest. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import type { IssuedCertificate } from '../../src/demo/certificates.ts';
import { GITLAB_ADDRESS } from '../network.ts';

/** Behind the memory file system of the worker. */
const FOLDER = '/mnt/nginx';
const PAUSE_MILLISECONDS = 20;

export async function startNginx({
  certificatePem,
  privateKeyPem,
}: IssuedCertificate): Promise<AsyncDisposable> {
  await mkdir(`${FOLDER}/html`, { recursive: true });
  const page = '<title>Welcome to nginx!</title><h1>Welcome to nginx!</h1>';
  await writeFile(`${FOLDER}/html/index.html`, page);
  await writeFile(`${FOLDER}/tls.pem`, certificatePem);
  await writeFile(`${FOLDER}/tls.key`, privateKeyPem);
  await writeFile(`${FOLDER}/nginx.conf`, CONFIGURATION);
  const args = ['-c', `${FOLDER}/nginx.conf`, '-p', FOLDER];
  const child = spawn('nginx', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const exit = once(child, 'exit');
  while (child.exitCode === null && !(await answers())) await delay(PAUSE_MILLISECONDS);
  if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await exit;
    },
  };
}

async function answers(): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: GITLAB_ADDRESS, port: 443 });
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  const isOpen = await promise;
  socket.destroy();
  return isOpen;
}

const CONFIGURATION = `
daemon off;
master_process off;
pid ${FOLDER}/nginx.pid;
error_log stderr warn;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${FOLDER}/body;
  proxy_temp_path ${FOLDER}/proxy;
  fastcgi_temp_path ${FOLDER}/fastcgi;
  uwsgi_temp_path ${FOLDER}/uwsgi;
  scgi_temp_path ${FOLDER}/scgi;
  types { text/html html; }
  server {
    listen ${GITLAB_ADDRESS}:443 ssl;
    ssl_certificate ${FOLDER}/tls.pem;
    ssl_certificate_key ${FOLDER}/tls.key;
    root ${FOLDER}/html;
  }
}
`;
