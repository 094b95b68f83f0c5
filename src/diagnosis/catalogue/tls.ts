/** Causes in certificates, trust and the TLS handshake. */
import { dateOfFact } from '../../core/date-text.ts';
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import { quoteArgument } from '../../core/shell.ts';
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import { family, onHost, restart } from '../cause-spec.ts';
import { curl, fetchCertificates, showCertificates, trustCertificate } from './commands.ts';

const onServer = (text: string, command?: string) => step(`On the GitLab server: ${text}`, command);

const tlsCause = family({
  severity: 'critical',
  scope: 'gitlab',
  resolvedWhen: 'the TLS check passes again',
});

/** A file for this GitLab in the certs directory. */
const certsFile = (c: CauseContext, end: string) =>
  onHost(c, `${c.place.files.certs}/${c.host}.${end}`);

/** Certificates cannot be read through every kind of proxy. */
function fetchTo(c: CauseContext, file: string) {
  const command = fetchCertificates(c);
  return command === undefined
    ? step(`Copy the certificate from the GitLab server, as ${file}.`)
    : step(
        'Fetch it, and compare its fingerprint with the one on the server.',
        `${command} | openssl x509 -out ${file} && openssl x509 -in ${file} -noout -fingerprint -sha256`,
      );
}

/** What openssl says of the certificate of the server; without a way for openssl what curl shows of it. */
function inspect(c: CauseContext, options: string): string {
  const command = fetchCertificates(c);
  return command === undefined
    ? showCertificates(c)
    : `${command} 2>/dev/null | openssl x509 -noout ${options}`;
}

/** Who renews it depends on who issued it. */
function renew(c: CauseContext) {
  const issuer = c.optional('issuer');
  const from = issuer === undefined ? '' : ` (${issuer})`;
  return [
    onServer(
      "if GitLab itself gets it by ACME (letsencrypt['enable'] in gitlab.rb; a private ACME server too), renew it.",
      'sudo gitlab-ctl renew-le-certs',
    ),
    onServer(
      `otherwise get a new one from the authority that issued it${from}, write it over the old one in /etc/gitlab/ssl, and load it. If a load balancer in front of GitLab ends TLS, replace it there.`,
      'sudo gitlab-ctl hup nginx',
    ),
  ];
}

/** Where the expired certificate lies: in the runner's own CA file, on this host, or in what the server sends. */
function replaceExpired(c: CauseContext): readonly FixStep[] {
  const name = c.optional('expired') ?? c.fact('issuer');
  const own = [
    step(
      `Get the certificate that replaces ${name} in PEM format from its authority, as root.pem.`,
    ),
    ...trustCertificate(c, 'root.pem'),
  ];
  if (c.optional('expired_in') === 'ca-file') {
    const list = `sudo openssl crl2pkcs7 -nocrl -certfile ${onHost(c, c.fact('ca_file'))} | openssl pkcs7 -print_certs -noout`;
    return [step(`${name} lies in the runner's CA file: show what is in it.`, list), ...own];
  }
  const update = step(
    'Update the certificates of this host, and check again.',
    c.place.host.install('ca-certificates'),
  );
  if (c.optional('expired_in') === 'host') return [update, restart(c), ...own];
  return [
    onServer('install the current chain, without the expired issuer.', 'sudo gitlab-ctl hup nginx'),
    step('Show what the server sends.', showCertificates(c)),
    update,
    restart(c),
  ];
}

export const TLS_CAUSES: readonly CauseSpec[] = [
  tlsCause({
    id: 'tls-unknown-authority',
    title: "GitLab's certificate is signed by a certificate authority the runner does not trust",
    meaning:
      "The chain is complete, but its root is neither in this host's bundle nor in the runner's CA file.",
    evidence: 'A chain whose root is in none of the trust files that the runner reads.',
    notConfusedWith: ['tls-missing-intermediate', 'tls-self-signed', 'proxy-tls-interception'],
    from: ['tls/unknown-authority'],
    says: (c) =>
      `the certificate of ${c.host} is signed by ${c.fact('root')}, a certificate authority this host does not trust`,
    fix: (c) => [
      step(
        `Get the root certificate ${c.fact('root')} in PEM format from its administrator, as root.pem.`,
      ),
      ...trustCertificate(c, 'root.pem'),
    ],
  }),
  tlsCause({
    id: 'tls-self-signed',
    title: "GitLab's certificate is self-signed",
    meaning:
      'No certificate authority signed the certificate, and the runner is not configured to trust it.',
    evidence:
      'The certificate is its own issuer and in none of the trust files that the runner reads.',
    notConfusedWith: ['tls-unknown-authority'],
    from: ['tls/self-signed'],
    says: (c) => `the certificate of ${c.host} is self-signed, and the runner does not trust it`,
    fix: (c) => [fetchTo(c, 'gitlab.pem'), ...trustCertificate(c, 'gitlab.pem')],
  }),
  tlsCause({
    id: 'tls-missing-intermediate',
    title: 'GitLab does not send the intermediate certificate',
    meaning:
      'The server sends only its own certificate. A browser may have the missing one; the runner does not download it.',
    evidence: 'The issuer of the certificate was not sent; its root may be trusted.',
    notConfusedWith: ['tls-unknown-authority'],
    from: ['tls/missing-intermediate'],
    says: (c) => `${c.host} does not send the intermediate certificate ${c.fact('issuer')}`,
    fix: (c) => [
      onServer(
        'append the intermediate certificate to the certificate file, after the server certificate.',
        'sudo gitlab-ctl hup nginx',
      ),
      step('Show what the server sends.', showCertificates(c)),
    ],
  }),
  tlsCause({
    id: 'tls-certificate-expired',
    title: "GitLab's certificate has expired",
    meaning: "The certificate has expired, by this host's clock.",
    evidence: 'notAfter is in the past.',
    notConfusedWith: ['clock-skew', 'tls-intermediate-expired'],
    changedBy: ['hosts-file', 'config-url', 'proxy-environment', 'server-certificate', 'clock'],
    from: ['tls/expired'],
    says: (c) => `the certificate of ${c.host} expired on ${dateOfFact(c.fact('not_after'))}`,
    fix: (c) => [
      ...renew(c),
      step("Check this host's clock against the dates.", `date -u; ${inspect(c, '-dates')}`),
    ],
  }),
  tlsCause({
    id: 'tls-intermediate-expired',
    title: "An issuer in GitLab's certificate chain has expired",
    meaning:
      'The certificate itself is valid, but the only path to a trusted root has an expired issuer.',
    evidence: 'Every path to a trusted root has an expired issuer.',
    notConfusedWith: ['tls-certificate-expired', 'clock-skew'],
    changedBy: [
      'hosts-file',
      'config-url',
      'proxy-environment',
      'server-certificate',
      'ca-file',
      'clock',
    ],
    from: ['tls/intermediate-expired'],
    says: (c) =>
      `an issuer in the certificate chain of ${c.host} has expired (${c.optional('expired') ?? c.fact('issuer')})`,
    fix: replaceExpired,
  }),
  tlsCause({
    id: 'tls-certificate-not-yet-valid',
    title: "GitLab's certificate is not valid yet",
    meaning:
      "Its start date is in the future by this host's clock: the clock is wrong, or the certificate was issued for later.",
    evidence: 'notBefore is in the future.',
    notConfusedWith: ['clock-skew'],
    changedBy: ['hosts-file', 'config-url', 'server-certificate', 'clock'],
    from: ['tls/not-yet-valid'],
    says: (c) => `the certificate of ${c.host} is not valid yet by this host's clock`,
    fix: (c) => [
      step("Check this host's clock against the dates.", c.place.host.showClock),
      step('If the clock is behind, turn on time synchronisation.', c.place.host.setClock),
    ],
  }),
  tlsCause({
    id: 'tls-hostname-mismatch',
    title: "GitLab's certificate is for another name",
    meaning: 'None of the names in the certificate matches the host in `url`.',
    evidence: 'The subject alternative names compared with the host, by the rules of Go.',
    notConfusedWith: ['tls-no-san', 'dns-wrong-answer'],
    from: ['tls/name-mismatch'],
    says: (c) => `the certificate at ${c.host} is for ${c.optional('names') ?? 'another name'}`,
    fix: (c) => [
      step(
        `If one of those names is right, use it for url in ${c.config}.`,
        `sudo grep -n url ${onHost(c, c.config)}`,
      ),
      step(
        `Otherwise reissue the certificate with ${c.host} among its names (an address needs an IP entry).`,
      ),
    ],
  }),
  tlsCause({
    id: 'tls-no-san',
    title: "GitLab's certificate has no subject alternative name",
    meaning: 'It has the host only as common name, which Go ignores although curl accepts it.',
    evidence: 'No DNS name and no IP address in the subject alternative names.',
    notConfusedWith: ['tls-hostname-mismatch'],
    from: ['tls/no-san'],
    says: (c) =>
      `the certificate of ${c.host} has only a common name (${c.fact('subject')}), which the runner does not accept`,
    fix: (c) => [
      onServer(
        'reissue the certificate with a subject alternative name.',
        `openssl req -new -key gitlab.key -subj ${quoteArgument(`/CN=${c.host}`)} -addext ${quoteArgument(`subjectAltName=DNS:${c.host}`)} -out gitlab.csr`,
      ),
    ],
  }),
  tlsCause({
    id: 'tls-cert-not-acceptable',
    title: "The runner rejects GitLab's certificate by a rule of Go",
    meaning: 'Its signature, key, usage or authority flag breaks a rule of Go, whoever signed it.',
    evidence: 'The rule that is broken.',
    notConfusedWith: ['tls-unknown-authority'],
    from: ['tls/not-acceptable'],
    says: (c) => `the runner rejects the certificate of ${c.host} by a rule of Go`,
    fix: (c) => [
      onServer('reissue it: SHA-256, RSA 2048 or P-256, for servers.'),
      step('Show the certificate.', inspect(c, '-text')),
    ],
  }),
  ...(['missing', 'unreadable', 'invalid'] as const).map((state) => caFileCause(state)),
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
        curl(c, '-sv -o /dev/null', `http://${c.host}:${c.port}/`),
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
        c.place.inNetwork(`ping -M do -s 1472 -c 2 ${quoteArgument(c.firstHop.host)}`),
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
    changedBy: ['server-certificate', 'ca-file', 'client-certificate'],
    from: ['tls/expiring-soon'],
    says: (c) =>
      `a certificate on the path to ${c.host} expires soon (the server's own on ${dateOfFact(c.fact('not_after'))})`,
    fix: (c) => [
      step('Find the certificate that expires, and renew it.', inspect(c, '-dates -issuer')),
    ],
    resolvedWhen: 'all of them are valid for longer',
  }),
];

function caFileCause(state: 'missing' | 'unreadable' | 'invalid'): CauseSpec {
  const fault = {
    missing: 'does not exist',
    unreadable: 'cannot be read',
    invalid: 'has no certificate in PEM format',
  }[state];
  const repairs = {
    missing: (c: CauseContext) =>
      step(
        'Correct the path, or put the file there.',
        `sudo grep -n tls-ca-file ${onHost(c, c.config)}`,
      ),
    unreadable: (c: CauseContext) =>
      step(
        'Make the file readable for the runner.',
        `sudo chmod 0644 ${onHost(c, c.fact('ca_file'))}`,
      ),
    invalid: (c: CauseContext) =>
      step(
        'If it is in DER format, convert it.',
        `sudo openssl x509 -inform der -in ${onHost(c, c.fact('ca_file'))} -out ca.pem && sudo install -m 0644 ca.pem ${onHost(c, c.fact('ca_file'))}`,
      ),
  };
  return tlsCause({
    id: `tls-ca-file-${state}`,
    title: `The runner's CA file ${fault}`,
    meaning: `The CA file that should make GitLab's certificate trusted ${fault}. The runner continues without it.`,
    evidence: 'The state of the file, together with a chain that this host does not trust.',
    notConfusedWith: ['tls-unknown-authority'],
    from: [`tls/ca-file-${state}`],
    says: (c) =>
      `the CA file ${c.fact('ca_file')} ${fault}, so the runner does not trust the certificate of ${c.host}`,
    fix: (c) => [repairs[state](c), restart(c)],
    suppresses: ['tls-unknown-authority'],
  });
}
