/** Which certificates Go accepts: keys, versions and usages. Each row was tried with a real Go 1.26 client. */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';

import type { AcceptanceCase } from './acceptance-case.ts';
import { LEAF, leafWith, root, rootWith, trusted, under } from './acceptance-case.ts';
import type { Keys } from './certificates.ts';
import { ecKeys, make, makeRoot, rsaKeys } from './certificates.ts';

/** Node generates no key of several primes, and one of two takes a minute. */
function hugeRsaKeys(): Keys {
  const pem = execFileSync('openssl', ['genrsa', '-primes', '5', '8200'], { stdio: 'pipe' });
  return { privateKey: createPrivateKey(pem), publicKey: createPublicKey(pem) };
}

const rsaRoot = makeRoot({ name: 'RSA Root', keys: rsaKeys(2048) });
const weakRoot = makeRoot({ name: 'Weak Root', keys: rsaKeys(1000) });
const shallow = make({ name: 'Shallow', isAuthority: true, pathLength: 0 }, root);
const pssKeys = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
export const SHAPE_CASES: readonly AcceptanceCase[] = [
  {
    row: 'negative serial',
    chain: leafWith({ serial: -5n }),
    trusted,
    want: 'not-acceptable',
    detail: 'negative',
  },
  { row: 'serial 0', chain: leafWith({ serial: 0n }), trusted, want: 'accepted' },
  {
    row: 'serial of 24 octets',
    chain: leafWith({ serial: 2n ** 190n }),
    trusted,
    want: 'accepted',
  },
  {
    row: 'negative serial of an intermediate',
    chain: under({ serial: -5n }),
    trusted,
    want: 'not-acceptable',
  },
  {
    row: 'RSA 1000 bit',
    chain: leafWith({ keys: rsaKeys(1000) }),
    trusted,
    want: 'not-acceptable',
    detail: '1000 bits',
  },
  { row: 'RSA 1024 bit', chain: leafWith({ keys: rsaKeys(1024) }), trusted, want: 'accepted' },
  {
    row: 'RSA over 8192 bit',
    chain: leafWith({ keys: hugeRsaKeys() }),
    trusted,
    want: 'not-acceptable',
    detail: '8200 bits',
  },
  {
    row: 'signed by RSA 1000 bit',
    chain: [make(LEAF, weakRoot)],
    trusted: [weakRoot],
    want: 'not-acceptable',
    detail: 'only 1000 bits',
  },
  {
    row: 'RSA-PSS key',
    chain: leafWith({ keys: pssKeys }),
    trusted,
    want: 'protocol-unsupported',
    detail: 'alert 40',
  },
  {
    row: 'brainpool key',
    chain: leafWith({ keys: ecKeys('brainpoolP256r1') }),
    trusted,
    want: 'protocol-unsupported',
    detail: 'alert 40',
  },
  {
    row: 'brainpool key of an intermediate',
    chain: under({ keys: ecKeys('brainpoolP256r1') }),
    trusted,
    want: 'not-acceptable',
    detail: 'curve brainpoolP256r1',
  },
  { row: 'P-521', chain: leafWith({ keys: ecKeys('secp521r1') }), trusted, want: 'accepted' },
  {
    row: 'Ed25519',
    chain: leafWith({ keys: generateKeyPairSync('ed25519') }),
    trusted,
    want: 'accepted',
  },
  {
    row: 'SHA-1 signature, ECDSA',
    chain: leafWith({ digest: 'sha1' }),
    trusted,
    want: 'not-acceptable',
    detail: 'ecdsa-with-SHA1, which Go rejects',
  },
  {
    row: 'SHA-1 signature, RSA',
    chain: [make({ ...LEAF, digest: 'sha1' }, rsaRoot)],
    trusted: [rsaRoot],
    want: 'not-acceptable',
    detail: 'sha1WithRSAEncryption',
  },
  {
    row: 'SHA-1 signature of the root itself',
    ...rootWith({ isAuthority: true, digest: 'sha1' }),
    want: 'accepted',
  },
  {
    row: 'EKU client only',
    chain: leafWith({ extendedUsages: ['client'] }),
    trusted,
    want: 'not-acceptable',
    detail: 'extended key usage',
  },
  {
    row: 'EKU client and server',
    chain: leafWith({ extendedUsages: ['client', 'server'] }),
    trusted,
    want: 'accepted',
  },
  { row: 'EKU any', chain: leafWith({ extendedUsages: ['any'] }), trusted, want: 'accepted' },
  {
    row: 'EKU client only in the intermediate',
    chain: under({ extendedUsages: ['client'] }),
    trusted,
    want: 'not-acceptable',
    detail: 'the issuer CN=Odd Issuing is not for servers',
  },
  {
    row: 'intermediate with CA:FALSE',
    chain: under({ isAuthority: false }),
    trusted,
    want: 'not-acceptable',
    detail: 'no CA:TRUE',
  },
  {
    row: 'intermediate of version 1',
    chain: under({ version: 1 }),
    trusted,
    want: 'not-acceptable',
    detail: 'no CA:TRUE',
  },
  {
    row: 'intermediate that may sign data only',
    chain: under({ keyUsage: 'sign-data' }),
    trusted,
    want: 'not-acceptable',
    detail: 'key usage',
  },
  {
    row: 'intermediate that may sign certificates',
    chain: under({ keyUsage: 'sign-certificates' }),
    trusted,
    want: 'accepted',
  },
  {
    row: 'leaf with an unknown critical extension',
    chain: leafWith({ hasUnknownCritical: true }),
    trusted,
    want: 'not-acceptable',
    detail: '1.2.3.4',
  },
  { row: 'path length kept', chain: [make(LEAF, shallow), shallow], trusted, want: 'accepted' },
  {
    row: 'path length exceeded',
    chain: [...under({}, shallow), shallow],
    trusted,
    want: 'not-acceptable',
    detail: 'path length',
  },
];
