/** Causes in GitLab’s certificate and in what the runner trusts. */
import type { CauseContext, CauseSpec } from '../cause-spec.ts';
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import { quoted } from '../../core/shell.ts';
import { family, onHost, restart } from '../cause-spec.ts';

/** Fetches what the server shows, for a look or for the certs folder. */
export function showCertificates(c: CauseContext): string {
  return c.place.inNetwork(
    `openssl s_client -connect ${quoted(`${c.host}:${c.port}`)} -servername ${quoted(c.host)} -showcerts </dev/null`,
  );
}

/** With `tls-ca-file` the runner never looks into its certs folder, so a file there would change nothing. */
function installRoot(c: CauseContext, file: string): readonly FixStep[] {
  const isNamed = c.optional('ca_file_configured') === 'true';
  return [
    isNamed
      ? step(
          'Add it to the file that tls-ca-file names in config.toml.',
          `sudo tee -a ${onHost(c, c.fact('ca_file'))} <${file} >/dev/null`,
        )
      : step(
          'Put it into the runner’s certs folder.',
          `sudo install -D -m 0644 ${file} ${onHost(c, c.fact('certs_file'))}`,
        ),
    restart(c),
  ];
}

const onServer = (text: string, command?: string) => step(`On the GitLab server: ${text}`, command);

const tlsCause = family({
  severity: 'critical',
  scope: 'gitlab',
  resolvedWhen: 'the tls link passes',
});

export const TLS_TRUST_CAUSES: readonly CauseSpec[] = [
  tlsCause({
    id: 'tls-unknown-authority',
    title: 'GitLab’s certificate is signed by an authority the runner does not trust',
    meaning:
      'The chain is complete and ends in a root that is neither in this host’s bundle nor in the runner’s CA file.',
    evidence: 'A chain whose root is in no place where the runner looks.',
    notConfusedWith: ['tls-missing-intermediate', 'tls-self-signed', 'proxy-tls-interception'],
    from: ['tls/unknown-authority'],
    says: (c) =>
      `the certificate of ${c.host} is signed by ${c.fact('root')}, an authority this host does not trust`,
    fix: (c) => [
      step(
        `Get the root certificate ${c.fact('root')} from whoever runs that authority, as PEM, into root.pem.`,
      ),
      ...installRoot(c, 'root.pem'),
    ],
  }),
  tlsCause({
    id: 'tls-self-signed',
    title: 'GitLab’s certificate is signed by itself',
    meaning: 'No authority stands behind the certificate, and the runner was not told to trust it.',
    evidence: 'The certificate is its own issuer and in no place where the runner looks.',
    notConfusedWith: ['tls-unknown-authority'],
    from: ['tls/self-signed'],
    says: (c) =>
      `the certificate of ${c.host} is signed by itself, and the runner does not trust it`,
    fix: (c) => [
      step(
        'Fetch it, and compare its fingerprint with the one on the server.',
        `${showCertificates(c)} | openssl x509 -out gitlab.pem && openssl x509 -in gitlab.pem -noout -fingerprint -sha256`,
      ),
      ...installRoot(c, 'gitlab.pem'),
    ],
  }),
  tlsCause({
    id: 'tls-missing-intermediate',
    title: 'GitLab does not send the intermediate certificate',
    meaning:
      'The server sends only its own certificate. A browser may know the missing one; the runner does not fetch it.',
    evidence: 'The issuer of the certificate was not sent, and its root may well be trusted.',
    notConfusedWith: ['tls-unknown-authority'],
    from: ['tls/missing-intermediate'],
    says: (c) => `${c.host} does not send the intermediate ${c.fact('issuer')}`,
    fix: (c) => [
      onServer(
        'append the intermediate to the certificate file, leaf first.',
        'sudo gitlab-ctl hup nginx',
      ),
      step('See what is sent.', showCertificates(c)),
    ],
  }),
  tlsCause({
    id: 'tls-certificate-expired',
    title: 'GitLab’s certificate has expired',
    meaning: 'The certificate ended, by this host’s clock.',
    evidence: 'notAfter lies in the past.',
    notConfusedWith: ['clock-skew', 'tls-intermediate-expired'],
    from: ['tls/expired'],
    says: (c) => `the certificate of ${c.host} expired on ${c.fact('not_after')}`,
    fix: (c) => [
      onServer('renew it.', 'sudo gitlab-ctl renew-le-certs   # with Let’s Encrypt'),
      step(
        'Is this host’s clock right?',
        `date -u; ${showCertificates(c)} 2>/dev/null | openssl x509 -noout -dates`,
      ),
    ],
  }),
  tlsCause({
    id: 'tls-intermediate-expired',
    title: 'An issuer in GitLab’s certificate chain has expired',
    meaning:
      'The certificate itself is good; the only way to a trusted root goes through one that ended.',
    evidence: 'Every path to a trusted root holds an expired issuer.',
    notConfusedWith: ['tls-certificate-expired', 'clock-skew'],
    from: ['tls/intermediate-expired'],
    says: (c) => `an issuer in the chain of ${c.host} has expired (${c.fact('issuer')})`,
    fix: (c) => [
      onServer('serve the current chain.', showCertificates(c)),
      step(
        'If the root on this host is the old one, update the bundle.',
        c.place.host.install('ca-certificates'),
      ),
      restart(c),
    ],
  }),
  tlsCause({
    id: 'tls-certificate-not-yet-valid',
    title: 'GitLab’s certificate is not valid yet',
    meaning:
      'Its first day lies in the future, by this host’s clock: the clock is behind, or the certificate was issued for later.',
    evidence: 'notBefore lies in the future.',
    notConfusedWith: ['clock-skew'],
    from: ['tls/not-yet-valid'],
    says: (c) => `the certificate of ${c.host} is not valid yet by this host’s clock`,
    fix: (c) => [
      step('Is this host’s clock right?', c.place.host.showClock),
      step('If it is behind, set it.', c.place.host.setClock),
    ],
  }),
  tlsCause({
    id: 'tls-hostname-mismatch',
    title: 'GitLab’s certificate is for another name',
    meaning: 'None of the names in the certificate covers the host in `url`.',
    evidence: 'The subject alternative names against the host, by Go’s rules.',
    notConfusedWith: ['tls-no-san', 'dns-wrong-answer'],
    from: ['tls/name-mismatch'],
    says: (c) => `the certificate at ${c.host} is for ${c.optional('names') ?? 'another name'}`,
    fix: (c) => [
      step(
        `If one of those names is the right one, put it into url in ${c.config}.`,
        `sudo grep -n url ${onHost(c, c.config)}`,
      ),
      step(
        `Else reissue the certificate with ${c.host} among its names (an address needs an IP entry).`,
      ),
    ],
  }),
  tlsCause({
    id: 'tls-no-san',
    title: 'GitLab’s certificate has no subject alternative name',
    meaning:
      'It names the host only in its common name, which Go ignores although curl accepts it.',
    evidence: 'No DNS name and no IP address among the alternative names.',
    notConfusedWith: ['tls-hostname-mismatch'],
    from: ['tls/no-san'],
    says: (c) =>
      `the certificate of ${c.host} has only a common name (${c.fact('subject')}), which the runner does not accept`,
    fix: (c) => [
      onServer(
        'reissue it with an alternative name.',
        `openssl req -new -key gitlab.key -subj ${quoted(`/CN=${c.host}`)} -addext ${quoted(`subjectAltName=DNS:${c.host}`)} -out gitlab.csr`,
      ),
    ],
  }),
  tlsCause({
    id: 'tls-cert-not-acceptable',
    title: 'Go refuses GitLab’s certificate for what it is',
    meaning:
      'Its signature, key, usage or authority flag breaks a rule that the runner keeps, whoever signed it.',
    evidence: 'The rule that is broken.',
    notConfusedWith: ['tls-unknown-authority'],
    from: ['tls/not-acceptable'],
    says: (c) => `the certificate of ${c.host} is not acceptable to the runner`,
    fix: (c) => [
      onServer('reissue it: SHA-256, RSA 2048 or P-256, for servers.'),
      step('See it.', `${showCertificates(c)} | openssl x509 -noout -text`),
    ],
  }),
  ...(['missing', 'unreadable', 'invalid'] as const).map((state) => caFileCause(state)),
];

function caFileCause(state: 'missing' | 'unreadable' | 'invalid'): CauseSpec {
  const words = {
    missing: 'does not exist',
    unreadable: 'cannot be read',
    invalid: 'holds no certificate in PEM form',
  }[state];
  const repairs = {
    missing: (c: CauseContext) =>
      step(
        'Correct the path, or put the file there.',
        `sudo grep -n tls-ca-file ${onHost(c, c.config)}`,
      ),
    unreadable: (c: CauseContext) =>
      step(
        'Give the runner the right to read it.',
        `sudo chmod 0644 ${onHost(c, c.fact('ca_file'))}`,
      ),
    invalid: (c: CauseContext) =>
      step(
        'If it is DER, convert it.',
        `openssl x509 -inform der -in ${onHost(c, c.fact('ca_file'))} -out ca.pem && sudo install -m 0644 ca.pem ${onHost(c, c.fact('ca_file'))}`,
      ),
  };
  return tlsCause({
    id: `tls-ca-file-${state}`,
    title: `The runner’s CA file ${words}`,
    meaning: `The file that should make GitLab’s certificate trusted ${words}. The runner goes on without it.`,
    evidence: 'The state of the file, together with a chain that nobody here trusts.',
    notConfusedWith: ['tls-unknown-authority'],
    from: [`tls/ca-file-${state}`],
    says: (c) =>
      `the CA file ${c.fact('ca_file')} ${words}, so nobody here trusts the certificate of ${c.host}`,
    fix: (c) => [repairs[state](c), restart(c)],
    suppresses: ['tls-unknown-authority'],
  });
}
