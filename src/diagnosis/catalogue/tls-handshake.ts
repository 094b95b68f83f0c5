/** Causes in the TLS handshake itself, and certificates that end soon. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { step } from '../../core/diagnosis.ts';
import { quoted } from '../../core/shell.ts';
import { family, onHost, restart } from '../cause-spec.ts';
import { showCertificates } from './tls-trust.ts';

/** A file of this GitLab in the folder of certificates. */
const certsFile = (c: CauseContext, end: string) =>
  onHost(c, `${c.place.files.certs}/${c.host}.${end}`);

const tlsCause = family({
  severity: 'critical',
  scope: 'gitlab',
  resolvedWhen: 'the tls link passes',
});

export const TLS_HANDSHAKE_CAUSES: readonly CauseSpec[] = [
  tlsCause({
    id: 'tls-protocol-unsupported',
    title: 'GitLab and the runner have no TLS version or cipher in common',
    meaning:
      'The server ends the handshake: it is limited to old versions or to ciphers that Go does not offer.',
    evidence: 'The alert “protocol version” or “handshake failure”.',
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
    title: 'The server wants a client certificate, and the runner sends none',
    meaning:
      'Mutual TLS stands before GitLab, and the runner has no certificate for it. In TLS 1.3 the refusal comes only after the handshake.',
    evidence: 'The alert “certificate required”, or nginx’s page that says so.',
    notConfusedWith: ['tls-protocol-unsupported'],
    from: [
      'tls/client-certificate-required',
      'http/client-certificate-required',
      'api/client-certificate-required',
    ],
    says: (c) => `${c.host} wants a client certificate, and the runner has none`,
    fix: (c) => [
      step(
        'Put the pair where the runner looks for it.',
        `sudo install -D -m 0600 client.crt ${certsFile(c, 'auth.crt')} && sudo install -m 0600 client.key ${certsFile(c, 'auth.key')}`,
      ),
      restart(c),
    ],
  }),
  tlsCause({
    id: 'tls-client-cert-invalid',
    title: 'The runner’s client certificate is refused',
    meaning:
      'The server does not accept it, or certificate and key do not fit and the runner sends none.',
    evidence: 'The server’s alert, and what the files themselves show.',
    notConfusedWith: ['tls-client-cert-required'],
    from: ['tls/client-certificate-invalid'],
    suppresses: ['tls-client-cert-required'],
    says: (c) => `${c.host} refuses the runner’s client certificate`,
    fix: (c) => [
      step(
        'Has it expired, and who signed it?',
        `sudo openssl x509 -noout -dates -issuer -in ${onHost(c, c.fact('client_file'))}`,
      ),
      step('Renew the pair.'),
      restart(c),
    ],
  }),
  tlsCause({
    id: 'tls-plaintext-server',
    title: 'The port does not speak TLS',
    meaning: '`url` says https, and what listens there answers without TLS.',
    evidence: 'An answer in plain text to the first TLS message.',
    notConfusedWith: ['tls-protocol-unsupported'],
    from: ['tls/plaintext-server'],
    says: (c) => `port ${c.port} of ${c.host} does not speak TLS, although url says https`,
    fix: (c) => [
      step(
        'See who answers.',
        c.place.inNetwork(`curl -sv -o /dev/null http://${quoted(`${c.host}:${c.port}`)}/`),
      ),
      step(
        `Correct the port or the scheme of url in ${c.config}.`,
        `sudo grep -n url ${onHost(c, c.config)}`,
      ),
    ],
  }),
  tlsCause({
    id: 'tls-handshake-blocked',
    title: 'The connection stands, and the TLS handshake is cut',
    meaning:
      'The port accepts, and the first TLS message is answered by a reset, an end or silence: a filter on the way, or a server without this name.',
    evidence: 'Reset, end or silence after the first TLS message, several times in a row.',
    notConfusedWith: ['path-mtu-blackhole', 'tls-protocol-unsupported'],
    from: ['tls/handshake-blocked'],
    says: (c) => `the TLS handshake with ${c.host} is cut`,
    fix: (c) => [
      step('Does another client get through?', showCertificates(c)),
      step(
        'Look for inspection of TLS between here and GitLab, and for a small MTU.',
        c.place.inNetwork(`ping -M do -s 1472 -c 2 ${quoted(c.host)}`),
      ),
    ],
  }),
  tlsCause({
    id: 'tls-expiring-soon',
    severity: 'notice',
    title: 'A certificate on the way to GitLab ends soon',
    meaning:
      'The server’s certificate, an issuer, the CA file or the client certificate ends within the limit.',
    evidence: 'notAfter within the limit.',
    notConfusedWith: ['tls-certificate-expired'],
    from: ['tls/expiring-soon'],
    says: (c) =>
      `a certificate on the way to ${c.host} ends soon (the server’s own on ${c.fact('not_after')})`,
    fix: (c) => [
      step(
        'See which one, and renew it.',
        `${showCertificates(c)} 2>/dev/null | openssl x509 -noout -dates`,
      ),
    ],
    resolvedWhen: 'all of them are good for longer',
  }),
];
