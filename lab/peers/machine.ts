/** Another machine than GitLab's, with a web server of its own. */
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';

import type { IssuedCertificate } from '../../src/demo/certificates.ts';
import type { GitLabApplication } from '../../src/demo/gitlab-stand-in.ts';
import { createGitLabStandIn } from '../../src/demo/gitlab-stand-in.ts';
import { send } from '../../src/demo/gitlab-response.ts';
import type { Reply } from '../../src/demo/gitlab-response.ts';
import { PROXY_ADDRESS } from '../network.ts';
import type { World } from '../world.ts';
import { closeNow } from './gitlab.ts';
import { GOOD } from './pki.ts';

export interface MachineOptions {
  readonly address?: string;
  readonly certificate?: IssuedCertificate;
  /** What it answers to every request; without it, it is another GitLab that knows no token of ours. */
  readonly reply?: Reply;
  /** It speaks HTTP on port 80. */
  readonly isPlain?: boolean;
  /** It is a node of this GitLab. */
  readonly nodeOf?: GitLabApplication;
}

/** It runs until the world is restored. */
export async function startMachine(
  { adopt }: World,
  {
    address = PROXY_ADDRESS,
    certificate = GOOD,
    reply,
    isPlain = false,
    nodeOf,
  }: MachineOptions = {},
): Promise<void> {
  const tls = { cert: certificate.certificatePem, key: certificate.privateKeyPem };
  const listener: RequestListener =
    reply === undefined
      ? (nodeOf ?? createGitLabStandIn()).listener
      : (_, response) => send(response, reply);
  const server = isPlain ? createServer(listener) : createSecureServer(tls, listener);
  server.on('tlsClientError', () => {});
  server.listen({ host: address, port: isPlain ? 80 : 443 });
  await once(server, 'listening');
  adopt({ [Symbol.asyncDispose]: async () => await closeNow(server) });
}
