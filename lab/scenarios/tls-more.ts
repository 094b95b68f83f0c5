/** TLS, further: client certificates, trust that is read once, odd certificates. */
import { createServer } from 'node:https';
import { createSecureContext } from 'node:tls';

import { daysFromNow, make } from '../../test/support/certificates.ts';
import { FROM_PRIVATE_ROOT, GOOD, PRIVATE_ROOT, publicLeaf } from '../peers/pki.ts';
import type { Row } from '../scenario.ts';

const REFUSED = 'o/o/n/F/s/s/s';
const CERTS = '/etc/gitlab-runner/certs';
const WANTS_CLIENT = { requestCert: true, ca: PRIVATE_ROOT.pem } as const;

const CLIENT = make(
  { name: 'runner', isAuthority: false, extendedUsages: ['client'] },
  PRIVATE_ROOT,
);
const EXPIRED_CLIENT = make(
  {
    name: 'runner',
    isAuthority: false,
    extendedUsages: ['client'],
    from: daysFromNow(-90),
    until: daysFromNow(-1),
  },
  PRIVATE_ROOT,
);
const PAIR = {
  [`${CERTS}/gitlab.test.auth.crt`]: CLIENT.pem,
  [`${CERTS}/gitlab.test.auth.key`]: CLIENT.keyPem,
};

export const moreTlsRows: readonly Row[] = [
  {
    id: 'L-04b',
    title: 'one of two servers behind the address still has the certificate that has expired',
    inject: async ({ gitlab }) => {
      const old = publicLeaf({ from: daysFromNow(-90), until: daysFromNow(-1) });
      let asked = 0;
      await gitlab.replace(() =>
        createServer(
          {
            SNICallback: (_name, done) => {
              asked += 1;
              // Not the same one each time for a client that polls at a fixed interval.
              const { certificatePem: cert, privateKeyPem: key } = asked % 5 < 2 ? old : GOOD;
              done(null, createSecureContext({ cert, key }));
            },
          },
          gitlab.application.listener,
        ),
      );
    },
    expect: { cause: 'gitlab-partial-outage', severity: 'warning' },
    isIntermittent: true,
    needsHistory: true,
    mustNot: ['clock-skew'],
  },
  {
    id: 'L-19b',
    title: 'the client certificate has expired, and the server says so by TLS 1.3',
    inject: async ({ files, gitlab, runner }) => {
      await files.write(`${CERTS}/gitlab.test.auth.crt`, EXPIRED_CLIENT.pem);
      await files.write(`${CERTS}/gitlab.test.auth.key`, EXPIRED_CLIENT.keyPem);
      await runner.restart();
      await gitlab.serve(GOOD, WANTS_CLIENT);
    },
    expect: {
      cause: 'tls-client-cert-invalid',
      severity: 'critical',
      chain: REFUSED,
      says: /auth\.crt|expired/,
    },
    mustNot: [
      'tls-client-cert-required',
      'tls-certificate-expired',
      'gitlab-not-responding',
      'unknown',
    ],
  },
  {
    id: 'L-20c',
    title:
      'nginx before GitLab answers 400, since the client certificate that was sent is not good',
    world: { files: () => PAIR },
    inject: async ({ gitlab, answers }) => {
      await gitlab.serve(GOOD, { ...WANTS_CLIENT, rejectUnauthorized: false });
      answers(() => ({
        status: 400,
        type: 'text/html',
        body: '<html>\n<head><title>400 The SSL certificate error</title></head>\n<body>\n<center><h1>400 Bad Request</h1></center>\n<center>The SSL certificate error</center>\n<hr><center>nginx</center>\n</body>\n</html>\n',
      }));
    },
    expect: { cause: 'tls-client-cert-invalid', severity: 'critical', chain: 'o/o/n/o/F/s/s' },
    mustNot: ['tls-client-cert-required', 'not-a-gitlab-server', 'unknown'],
  },
  {
    id: 'L-21b',
    title: 'the authority is installed, and the runner has not been restarted since',
    world: { logFormat: 'text' },
    inject: async ({ files, gitlab }) => {
      await gitlab.serve(FROM_PRIVATE_ROOT);
      await files.write(`${CERTS}/gitlab.test.crt`, PRIVATE_ROOT.pem);
    },
    expect: { cause: 'tls-trust-not-reloaded', severity: 'critical', chain: 'o/o/n/o/o/o/o' },
    runnerLogs: /unknown authority/,
    needsHistory: true,
    mustNot: ['tls-unknown-authority', 'unknown'],
    fix: { reported: /nohup/, apply: ({ runner }) => runner.restart() },
  },
];
