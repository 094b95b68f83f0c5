/**
 * Certificates for the demo and the tests: authorities and what they issue, valid or faulty on purpose. The only user
 * of node-forge; its keys come from Node, since its own generator is slow.
 */
import { generateKeyPairSync } from 'node:crypto';

import forge from 'node-forge';

export interface IssuedCertificate {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface CertificateOptions {
  readonly commonName: string;
  readonly organisation?: string;
  /** Subject alternative names; none at all when absent. */
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly isAuthority?: boolean;
  /** Extended key usage; left out unless given. */
  readonly usage?: 'server' | 'client';
  readonly keyBits?: number;
  readonly digest?: 'sha256' | 'sha1';
  /** `CA Issuers` in the authority information access. */
  readonly issuerUrl?: string;
}

export interface Authority extends IssuedCertificate {
  issue(options: CertificateOptions): IssuedCertificate;
  /** An authority below this one. */
  intermediate(options: CertificateOptions): Authority;
}

const DAY_MILLISECONDS = 86_400_000;
let lastSerial = 0;

/** A root, signed by itself. */
export function createAuthority(options: CertificateOptions): Authority {
  const keys = newKeys(options.keyBits);
  const subject = nameOf(options);
  const own = { ...options, isAuthority: options.isAuthority ?? true };
  return authorityOf(
    certificate(own, { keys, subject, signer: keys.privateKey, issuer: subject }),
    {
      subject,
      keys,
    },
  );
}

interface Keys {
  readonly publicKey: forge.pki.rsa.PublicKey;
  readonly privateKey: forge.pki.rsa.PrivateKey;
  readonly pem: string;
}

interface Identity {
  readonly subject: forge.pki.CertificateField[];
  readonly keys: Keys;
}

function authorityOf(certificatePem: string, { subject, keys }: Identity): Authority {
  const issue = (options: CertificateOptions): IssuedCertificate & Identity => {
    const own = { keys: newKeys(options.keyBits), subject: nameOf(options) };
    const signed = certificate(options, { ...own, signer: keys.privateKey, issuer: subject });
    return { ...own, certificatePem: signed, privateKeyPem: own.keys.pem };
  };
  return {
    certificatePem,
    privateKeyPem: keys.pem,
    issue: (options) => {
      const { certificatePem: pem, privateKeyPem } = issue(options);
      return { certificatePem: pem, privateKeyPem };
    },
    intermediate: (options) => {
      const below = issue({ ...options, isAuthority: options.isAuthority ?? true });
      return authorityOf(below.certificatePem, below);
    },
  };
}

function newKeys(bits = 2048): Keys {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: bits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  return {
    publicKey: forge.pki.publicKeyFromPem(pair.publicKey),
    privateKey: forge.pki.privateKeyFromPem(pair.privateKey),
    pem: pair.privateKey,
  };
}

function nameOf({ commonName, organisation }: CertificateOptions): forge.pki.CertificateField[] {
  const name = [{ name: 'commonName', value: commonName }];
  return organisation === undefined
    ? name
    : [{ name: 'organizationName', value: organisation }, ...name];
}

interface Signing extends Identity {
  readonly signer: forge.pki.rsa.PrivateKey;
  readonly issuer: forge.pki.CertificateField[];
}

function certificate(
  options: CertificateOptions,
  { keys, subject, signer, issuer }: Signing,
): string {
  const made = forge.pki.createCertificate();
  lastSerial += 1;
  made.publicKey = keys.publicKey;
  // DER allows no leading zero byte, and a leading bit would make it negative.
  made.serialNumber = (0x4000_0000 + lastSerial).toString(16);
  made.validity.notBefore = options.notBefore ?? new Date(Date.now() - DAY_MILLISECONDS);
  made.validity.notAfter = options.notAfter ?? new Date(Date.now() + 365 * DAY_MILLISECONDS);
  made.setSubject(subject);
  made.setIssuer(issuer);
  made.setExtensions(extensionsOf(options));
  made.sign(signer, options.digest === 'sha1' ? forge.md.sha1.create() : forge.md.sha256.create());
  return forge.pki.certificateToPem(made);
}

function extensionsOf(options: CertificateOptions): unknown[] {
  const { dns = [], ip = [], usage, isAuthority = false, issuerUrl } = options;
  const names = [
    ...dns.map((value) => ({ type: 2, value })),
    ...ip.map((address) => ({ type: 7, ip: address })),
  ];
  return [
    { name: 'basicConstraints', cA: isAuthority },
    ...(names.length === 0 ? [] : [{ name: 'subjectAltName', altNames: names }]),
    ...(usage === undefined ? [] : [{ name: 'extKeyUsage', [`${usage}Auth`]: true }]),
    ...(issuerUrl === undefined ? [] : [issuerAccess(issuerUrl)]),
  ];
}

/** Authority information access with one `CA Issuers` location; the library has no shorthand for it. */
function issuerAccess(url: string): unknown {
  const { asn1 } = forge;
  const sequence = (...items: forge.asn1.Asn1[]): forge.asn1.Asn1 =>
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, items);
  const method = asn1.create(
    asn1.Class.UNIVERSAL,
    asn1.Type.OID,
    false,
    asn1.oidToDer('1.3.6.1.5.5.7.48.2').getBytes(),
  );
  const location = asn1.create(asn1.Class.CONTEXT_SPECIFIC, 6, false, url);
  return {
    id: '1.3.6.1.5.5.7.1.1',
    value: asn1.toDer(sequence(sequence(method, location))).getBytes(),
  };
}
