/** Causes in the TLS handshake itself, and certificates that expire soon. */
import { dateOfFact } from '../../core/date-text.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import { family, onHost, restart } from '../cause-spec.ts';
import { showCertificates } from './tls-trust.ts';

/** A file for this GitLab in the certs directory. */
const certsFile = (c: CauseContext, end: string) =>
  onHost(c, `${c.place.files.certs}/${c.host}.${end}`);

const tlsCause = family({
  severity: 'critical',
  scope: 'gitlab',
  resolvedWhen: 'the TLS check passes again',
});

export const TLS_HANDSHAKE_CAUSES: readonly CauseSpec[] = [
  tlsCause({
    id: 'tls-protocol-unsupported',
    title: 'GitLab and the runner have no TLS version or cipher in common',
    meaning:
      'The server aborts the handshake: it only supports old TLS versions, or ciphers that Go does not offer.',
    evidence: "The TLS alert 'protocol version' or 'handshake failure'.",
    notConfusedWith: ['tls-handshake-blocked', 'tls-client-cert-required'],
    from: ['tls/protocol-unsupported'],
    says: (c) => `${c.host} has no TLS version or cipher in common with the runner`,
    fix: () => [
      step(
        'On the GitLab server: enable TLS 1.2 and 1.3 with ECDHE ciphers.',
        'sudo grep -n ssl_ /etc/gitlab/gitlab.rb',
      ),
    ],
  }),
  tlsCause({
    id: 'tls-client-cert-required',
    title: 'The server requires a client certificate, and the runner sends none',
    meaning:
      'A server in front of GitLab uses mutual TLS, and the runner has no certificate for it. In TLS 1.3 the rejection arrives only after the handshake.',
    evidence: "The TLS alert 'certificate required', or nginx's error page about it.",
    notConfusedWith: ['tls-protocol-unsupported'],
    from: [
      'tls/client-certificate-required',
      'http/client-certificate-required',
      'api/client-certificate-required',
    ],
    says: (c) => `${c.host} requires a client certificate, but the runner has none`,
    fix: (c) => [
      step(
        'Put certificate and key where the runner reads them.',
        `sudo install -D -m 0600 client.crt ${certsFile(c, 'auth.crt')} && sudo install -m 0600 client.key ${certsFile(c, 'auth.key')}`,
      ),
      restart(c),
    ],
  }),
  tlsCause({
    id: 'tls-client-cert-invalid',
    title: "The server rejects the runner's client certificate",
    meaning:
      'The server does not accept it, or certificate and key do not match and the runner sends none.',
    evidence: "The server's TLS alert, and what the files show.",
    notConfusedWith: ['tls-client-cert-required'],
    from: ['tls/client-certificate-invalid'],
    suppresses: ['tls-client-cert-required'],
    says: (c) => `${c.host} rejects the runner's client certificate`,
    fix: (c) => [
      step(
        'Check its expiry date and issuer.',
        `sudo openssl x509 -noout -dates -issuer -in ${onHost(c, c.fact('client_file'))}`,
      ),
      step('Renew certificate and key.'),
      restart(c),
    ],
  }),
  tlsCause({
    id: 'tls-plaintext-server',
    title: 'The port does not use TLS',
    meaning: '`url` starts with https, but the server on that port answers without TLS.',
    evidence: 'A plain-text response to the first TLS message.',
    notConfusedWith: ['tls-protocol-unsupported'],
    from: ['tls/plaintext-server'],
    says: (c) => `port ${c.port} of ${c.host} does not use TLS, although url starts with https`,
    fix: (c) => [
      step(
        'Check which server answers.',
        c.place.inNetwork(`curl -sv -o /dev/null http://${quoteArgument(`${c.host}:${c.port}`)}/`),
      ),
      step(
        `Correct the port or the scheme of url in ${c.config}.`,
        `sudo grep -n url ${onHost(c, c.config)}`,
      ),
    ],
  }),
  tlsCause({
    id: 'tls-handshake-blocked',
    title: 'The connection opens, but the TLS handshake is interrupted',
    meaning:
      'After the first TLS message the connection is reset, closed or silent: a filter on the path, or a server that does not have this name.',
    evidence: 'Reset, close or no response after the first TLS message, several times in a row.',
    notConfusedWith: ['path-mtu-blackhole', 'tls-protocol-unsupported'],
    from: ['tls/handshake-blocked'],
    says: (c) => `the TLS handshake with ${c.host} is interrupted`,
    fix: (c) => [
      step('Check whether another client succeeds.', showCertificates(c)),
      step(
        'Check for TLS inspection on the path to GitLab, and for a small MTU.',
        c.place.inNetwork(`ping -M do -s 1472 -c 2 ${quoteArgument(c.host)}`),
      ),
    ],
  }),
  tlsCause({
    id: 'tls-expiring-soon',
    severity: 'notice',
    title: 'A certificate on the path to GitLab expires soon',
    meaning:
      "The server's certificate, an issuer, the CA file or the client certificate expires within the limit.",
    evidence: 'notAfter within the limit.',
    notConfusedWith: ['tls-certificate-expired'],
    from: ['tls/expiring-soon'],
    says: (c) =>
      `a certificate on the path to ${c.host} expires soon (the server's own on ${dateOfFact(c.fact('not_after'))})`,
    fix: (c) => [
      step(
        'Find the certificate that expires, and renew it.',
        `${showCertificates(c)} 2>/dev/null | openssl x509 -noout -dates`,
      ),
    ],
    resolvedWhen: 'all of them are valid for longer',
  }),
];
