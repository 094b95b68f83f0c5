/** Certificates and handshakes, judged as Go judges them. */
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import { createSecureContext } from 'node:tls';

import type { IssuedCertificate } from '../../src/demo/certificates.ts';
import { daysFromNow, make } from '../../test/support/certificates.ts';
import { GITLAB_ADDRESS } from '../network.ts';
import {
  FROM_PRIVATE_ROOT,
  GOOD,
  LAB_TRUST,
  PRIVATE_ROOT,
  PUBLIC_ROOT,
  leafShape,
  publicLeaf,
  withChain,
} from '../peers/pki.ts';
import { useCaFile } from '../repairs.ts';
import { usualEntry } from '../runner-config.ts';
import { printedFix } from '../printed-fix.ts';
import type { FaultRow, Row } from '../scenario.ts';

const REFUSED = 'o/o/n/F/s/s/s';

const CA_FILE = '/etc/gitlab-runner/ca.pem';

/** The OpenSSL options that enable obsolete algorithms. */
const OLD = { ciphers: 'DEFAULT@SECLEVEL=0' } as const;

/** GitLab shows another certificate; the rest of the row is the row's own. */
function shows(issued: IssuedCertificate): Pick<FaultRow, 'inject'> {
  return { inject: ({ gitlab }) => gitlab.serve(issued, OLD) };
}

const selfSigned = make(leafShape());

const intermediate = make(
  { name: 'Lab Intermediate', organisation: LAB_TRUST, isAuthority: true },
  PUBLIC_ROOT,
);

const fromIntermediate = make(leafShape(), intermediate);

const expiredIntermediate = make(
  { name: 'Lab Old', isAuthority: true, from: daysFromNow(-400), until: daysFromNow(-2) },
  PUBLIC_ROOT,
);

const constrained = make(
  { name: 'Lab Constrained', isAuthority: true, permitted: { dns: ['other.test'] } },
  PUBLIC_ROOT,
);

const withCaFile = {
  certificate: FROM_PRIVATE_ROOT,
  entries: [usualEntry({ more: `  tls-ca-file = "${CA_FILE}"` })],
  files: () => ({ [CA_FILE]: PRIVATE_ROOT.pem }),
};

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

export const tlsRows: readonly Row[] = [
  {
    id: 'L-01',
    title: 'a certificate that signs itself',
    ...shows(withChain(selfSigned)),
    expect: { cause: 'tls-self-signed', severity: 'critical', chain: REFUSED },
    runnerLogs: /unknown authority/,
    mustNot: ['tls-unknown-authority'],
    fix: printedFix(/gitlab\.pem/),
  },
  {
    id: 'L-02',
    title: 'a private authority, and nothing installed',
    ...shows(FROM_PRIVATE_ROOT),
    expect: { cause: 'tls-unknown-authority', severity: 'critical', chain: REFUSED },
    runnerLogs: /unknown authority/,
    mustNot: ['tls-missing-intermediate'],
    fix: printedFix(/certs\/gitlab\.test\.crt/, { given: { '/root.pem': PRIVATE_ROOT.pem } }),
  },
  {
    id: 'L-03',
    title: 'a trusted root, and the intermediate is not sent',
    ...shows(withChain(fromIntermediate)),
    expect: { cause: 'tls-missing-intermediate', severity: 'critical', chain: REFUSED },
    mustNot: ['tls-unknown-authority'],
    fix: {
      reported: /intermediate|chain/,
      apply: ({ gitlab }) => gitlab.serve(withChain(fromIntermediate, intermediate)),
    },
  },
  {
    id: 'L-04',
    title: 'the certificate has expired',
    ...shows(publicLeaf({ from: daysFromNow(-90), until: daysFromNow(-1) })),
    expect: { cause: 'tls-certificate-expired', severity: 'critical', chain: REFUSED },
    runnerLogs: /has expired or is not yet valid/,
    mustNot: ['clock-skew'],
    fix: { reported: /renew|certificate/i, apply: ({ gitlab }) => gitlab.serve(GOOD) },
  },
  {
    id: 'L-05',
    title: 'the only path leads through an expired intermediate',
    ...shows(withChain(make(leafShape(), expiredIntermediate), expiredIntermediate)),
    expect: { cause: 'tls-intermediate-expired', severity: 'critical', chain: REFUSED },
    mustNot: ['tls-certificate-expired'],
  },
  {
    id: 'L-06',
    title: 'a certificate for other.test',
    ...shows(publicLeaf({ name: 'other.test', dns: ['other.test'] })),
    expect: {
      cause: 'tls-hostname-mismatch',
      severity: 'critical',
      chain: REFUSED,
      says: /other\.test/,
    },
    runnerLogs: /certificate is valid for/,
    mustNot: [],
  },
  {
    id: 'L-07',
    title: 'a common name and no alternative name',
    ...shows(publicLeaf({ dns: [] })),
    expect: { cause: 'tls-no-san', severity: 'critical', chain: REFUSED },
    runnerLogs: /legacy Common Name/,
    mustNot: [],
  },
  {
    id: 'L-08',
    title: 'the certificate begins in 2035',
    ...shows(publicLeaf({ from: new Date('2035-01-01'), until: new Date('2036-01-01') })),
    expect: { cause: 'tls-certificate-not-yet-valid', severity: 'critical', chain: REFUSED },
    mustNot: ['clock-skew'],
  },
  {
    id: 'L-09',
    title: 'the server speaks TLS 1.1 at most',
    inject: ({ gitlab }) =>
      gitlab.serve(GOOD, { ...OLD, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }),
    expect: { cause: 'tls-protocol-unsupported', severity: 'critical', chain: REFUSED },
    runnerLogs: /protocol version not supported/,
    mustNot: ['tls-handshake-blocked'],
  },
  {
    id: 'L-10',
    title: 'the server demands a client certificate, by TLS 1.3',
    inject: ({ gitlab }) => gitlab.serve(GOOD, { requestCert: true, ca: PRIVATE_ROOT.pem }),
    expect: { cause: 'tls-client-cert-required', severity: 'critical', chain: REFUSED },
    runnerLogs: /certificate required/,
    mustNot: ['gitlab-not-responding'],
  },
  {
    id: 'L-11',
    title: 'tls-ca-file names a file that is gone',
    world: withCaFile,
    inject: ({ files }) => files.remove(CA_FILE),
    expect: { cause: 'tls-ca-file-missing', severity: 'critical', chain: REFUSED, says: /ca\.pem/ },
    mustNot: ['tls-unknown-authority'],
    fix: { reported: /ca\.pem/, apply: useCaFile(CA_FILE, PRIVATE_ROOT.pem) },
  },
  {
    id: 'L-12',
    title: 'the runner’s user cannot read the CA file',
    world: { ...withCaFile, uid: 1500 },
    inject: ({ files }) => files.write(CA_FILE, PRIVATE_ROOT.pem, 0o600),
    expect: { cause: 'tls-ca-file-unreadable', severity: 'critical', chain: REFUSED },
    mustNot: ['tls-unknown-authority'],
    fix: printedFix(/chmod/),
  },
  {
    id: 'L-13',
    title: 'the CA file is DER',
    world: withCaFile,
    inject: ({ files }) => files.write(CA_FILE, PRIVATE_ROOT.der),
    expect: { cause: 'tls-ca-file-invalid', severity: 'critical', chain: REFUSED },
    mustNot: ['tls-unknown-authority'],
    fix: printedFix(/openssl x509/),
  },
  {
    id: 'L-14',
    title: 'plain HTTP on the https port',
    inject: ({ gitlab }) => gitlab.replace(() => createPlainServer(gitlab.application.listener)),
    expect: { cause: 'tls-plaintext-server', severity: 'critical', chain: REFUSED },
    runnerLogs: /server gave HTTP response/,
    mustNot: ['tls-protocol-unsupported'],
  },
  {
    id: 'L-15',
    title: 'the certificate expires in five days',
    ...shows(publicLeaf({ until: daysFromNow(5) })),
    expect: { cause: 'tls-expiring-soon', severity: 'notice', chain: 'o/o/n/od/o/o/o' },
    mustNot: ['tls-certificate-expired'],
  },
  {
    id: 'L-16',
    title: 'a middlebox resets at the ClientHello',
    inject: ({ network }) =>
      network.rule('gl', 'input', 'tcp dport 443 meta length > 200 reject with tcp reset'),
    expect: { cause: 'tls-handshake-blocked', severity: 'critical', chain: REFUSED },
    runnerLogs: /connection reset by peer/,
    mustNot: ['path-mtu-blackhole'],
  },
  {
    id: 'L-18',
    title: 'url is an address, and the certificate has DNS names only',
    world: {
      entries: [usualEntry({ url: `https://${GITLAB_ADDRESS}/` })],
      certificate: publicLeaf({ ip: [GITLAB_ADDRESS] }),
    },
    ...shows(GOOD),
    expect: {
      cause: 'tls-hostname-mismatch',
      severity: 'critical',
      chain: 'on/o/n/F/s/s/s',
      says: /10\.200\.0\.2/,
    },
    mustNot: [],
  },
  {
    id: 'L-25a',
    title: 'a name constraint of the intermediate excludes the host',
    ...shows(withChain(make(leafShape(), constrained), constrained)),
    expect: { cause: 'tls-cert-not-acceptable', severity: 'critical', chain: REFUSED },
    mustNot: ['tls-unknown-authority'],
  },
  {
    id: 'L-25b',
    title: 'the certificate is for clients only',
    ...shows(publicLeaf({ extendedUsages: ['client'] })),
    expect: { cause: 'tls-cert-not-acceptable', severity: 'critical', chain: REFUSED },
    mustNot: ['tls-unknown-authority'],
  },
  {
    id: 'L-25c',
    title: 'the certificate is signed with SHA-1',
    ...shows(publicLeaf({ digest: 'sha1' })),
    expect: { cause: 'tls-cert-not-acceptable', severity: 'critical', chain: REFUSED },
    mustNot: ['tls-unknown-authority'],
  },
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
    fix: printedFix(/nohup/),
  },
];
