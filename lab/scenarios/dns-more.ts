/** Names: those that only some resolvers know, and addresses of another server. */
import { createServer } from 'node:https';

import { GITLAB_ADDRESS, PROXY_ADDRESS, SECOND_RESOLVER } from '../network.ts';
import { usualScript } from '../peers/names.ts';
import { publicLeaf } from '../peers/pki.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';

const NO_NAME = 'F/s/n/s/s/s/s';
const RESOLV_CONF = '/etc/resolv.conf';
const LOCALHOST = '127.0.0.1 localhost\n';

const otherCertificate = publicLeaf({ name: 'other.test', dns: ['other.test'] });

/** Another web server, alive and not GitLab, on an address of its own. */
async function otherServer({ adopt }: World): Promise<void> {
  const tls = { cert: otherCertificate.certificatePem, key: otherCertificate.privateKeyPem };
  const server = createServer(tls, (_, response) => void response.end('another'));
  server.on('tlsClientError', () => {});
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen({ host: PROXY_ADDRESS, port: 443 }, resolve);
  await promise;
  adopt({ [Symbol.asyncDispose]: async () => void server.close() });
}

/** In place of `chroot /root getent -- ahosts NAME`: a C library with mdns. */
const LIBC_WITH_MDNS = `#!/bin/sh
grep -q mdns "$1/etc/nsswitch.conf" && test "$5" = gitlab.test && echo "${GITLAB_ADDRESS} STREAM"
`;

export const moreDnsRows: readonly Row[] = [
  {
    id: 'D-03b',
    title: 'this host’s own firewall drops questions to the name server',
    inject: ({ network }) =>
      network.rule('rn', 'output', 'meta l4proto { tcp, udp } th dport 53 drop'),
    expect: { cause: 'firewall-local-block', severity: 'critical', chain: NO_NAME },
    runnerLogs: /operation not permitted/,
    mustNot: ['dns-timeout', 'dns-server-failure'],
  },
  {
    id: 'D-06b',
    title: 'a line in hosts pins another server that is alive and not GitLab',
    world: { before: otherServer },
    inject: ({ files }) => files.write('/etc/hosts', `${LOCALHOST}${PROXY_ADDRESS} gitlab.test\n`),
    expect: { cause: 'dns-hosts-override-stale', severity: 'critical', chain: 'do/o/n/F/s/s/s' },
    runnerLogs: /certificate is valid for/,
    mustNot: ['tls-hostname-mismatch', 'tls-unknown-authority'],
    fix: { reported: /hosts/, apply: ({ files }) => files.write('/etc/hosts', LOCALHOST) },
  },
  {
    id: 'D-07b',
    title: 'the first resolver gives another server, the second GitLab',
    world: {
      before: otherServer,
      files: () => ({
        [RESOLV_CONF]: `nameserver ${GITLAB_ADDRESS}\nnameserver ${SECOND_RESOLVER}\n`,
      }),
    },
    inject: ({ names }) =>
      names.answer(
        (name, type, transport) =>
          type === 'A' && name === 'gitlab.test'
            ? [PROXY_ADDRESS]
            : usualScript(name, type, transport),
        usualScript,
      ),
    expect: { cause: 'dns-wrong-answer', severity: 'critical', chain: 'do/o/n/F/s/s/s' },
    mustNot: ['tls-hostname-mismatch', 'tls-unknown-authority'],
  },
  {
    id: 'D-11b',
    title: 'only a module of nsswitch.conf knows the name, and the runner has no such module',
    inject: async ({ names, files }) => {
      names.answer(() => 'nxdomain');
      await files.write('/etc/nsswitch.conf', 'hosts: files mdns4 [NOTFOUND=return] dns\n');
      await files.write('/shims/chroot', LIBC_WITH_MDNS, 0o755);
    },
    expect: { cause: 'dns-nss-mismatch', severity: 'critical', chain: NO_NAME, says: /getent/ },
    runnerLogs: /no such host/,
    mustNot: ['dns-name-not-found'],
    fix: {
      reported: /tee -a \/etc\/hosts/,
      apply: ({ files }) =>
        files.write('/etc/hosts', `${LOCALHOST}${GITLAB_ADDRESS} gitlab.test\n`),
    },
  },
];
