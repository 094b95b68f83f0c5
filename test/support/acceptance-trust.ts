/** Which certificates Go accepts: who signed the certificate. Each row was tried with a real Go 1.26 client. */
import type { AcceptanceCase } from './acceptance-case.ts';
import { leaf, LEAF, leafWith, root, rootWith, trusted, under } from './acceptance-case.ts';
import { daysFromNow, ecKeys, make, makeRoot } from './certificates.ts';

const below = make({ name: 'Test Issuing', isAuthority: true }, root);
const deepLeaf = make(LEAF, below);
const lone = make(LEAF);
const stranger = makeRoot({ name: 'Somebody Else' });
const renewed = { name: 'Renewed Root', keys: ecKeys() };
const expiredRoot = makeRoot({ ...renewed, until: daysFromNow(-1), from: daysFromNow(-9) });
const validRoot = makeRoot(renewed);
const byOldRoot = make(LEAF, expiredRoot);
const crossing = { name: 'Crossed Issuing', isAuthority: true, keys: ecKeys() };
const byStranger = make(crossing, stranger);
const byRoot = make(crossing, root);
const crossed = byRoot;

export const TRUST_CASES: readonly AcceptanceCase[] = [
  { row: 'root trusted, leaf sent', chain: [leaf], trusted, want: 'accepted' },
  { row: 'root trusted, full chain', chain: [deepLeaf, below], trusted, want: 'accepted' },
  { row: 'unknown CA', chain: [leaf], trusted: [stranger], want: 'unknown-authority' },
  { row: 'unknown CA, root sent', chain: [leaf, root], trusted: [], want: 'unknown-authority' },
  {
    row: 'a root of the same name with another key',
    chain: [leaf],
    trusted: [makeRoot({ name: 'Test Root' })],
    want: 'unknown-authority',
    detail: 'another key',
  },
  {
    row: 'missing intermediate',
    chain: [make({ ...LEAF, issuerUrl: 'http://ca.test/issuing.crt' }, below)],
    trusted,
    want: 'missing-intermediate',
  },
  { row: 'self-signed leaf, untrusted', chain: [lone], trusted, want: 'self-signed' },
  { row: 'self-signed leaf in the CA file', chain: [lone], trusted: [lone], want: 'accepted' },
  { row: 'CA-issued leaf in the CA file', chain: [leaf], trusted: [leaf], want: 'accepted' },
  {
    row: 'only the intermediate trusted',
    chain: [deepLeaf, below],
    trusted: [below],
    want: 'accepted',
  },
  {
    row: 'intermediate trusted, not sent',
    chain: [deepLeaf],
    trusted: [below, root],
    want: 'accepted',
  },
  {
    row: 'chain sent in the wrong order',
    chain: [deepLeaf, root, below],
    trusted,
    want: 'accepted',
  },
  { row: 'old root (version 1)', ...rootWith({ version: 1 }), want: 'accepted' },
  {
    row: 'root without basic constraints (version 3)',
    ...rootWith({}),
    want: 'not-acceptable',
    detail: 'CN=Odd Root is not a certificate authority',
  },
  { row: 'expired leaf', chain: leafWith({ until: daysFromNow(-0.5) }), trusted, want: 'expired' },
  {
    row: 'not yet valid',
    chain: leafWith({ from: daysFromNow(9) }),
    trusted,
    want: 'not-yet-valid',
  },
  {
    row: 'only an expired root',
    chain: [byOldRoot],
    trusted: [expiredRoot],
    want: 'intermediate-expired',
    detail: 'the issuer CN=Renewed Root expired',
  },
  {
    row: 'expired and valid root, same key and name',
    chain: [byOldRoot],
    trusted: [expiredRoot, validRoot],
    want: 'accepted',
  },
  {
    row: 'expired root sent, valid one trusted',
    chain: [byOldRoot, expiredRoot],
    trusted: [validRoot],
    want: 'accepted',
  },
  {
    row: 'expired intermediate',
    chain: under({ until: daysFromNow(-0.5) }),
    trusted,
    want: 'intermediate-expired',
  },
  {
    row: 'leaf sent twice',
    chain: [deepLeaf, deepLeaf, below],
    trusted,
    want: 'accepted',
  },
  {
    row: 'something unrelated sent in between',
    chain: [deepLeaf, stranger, below],
    trusted,
    want: 'accepted',
  },
  {
    row: 'intermediate signed by two roots, one of them unknown',
    chain: [make(LEAF, crossed), byStranger, byRoot],
    trusted,
    want: 'accepted',
  },
];
