/** Which certificates Go accepts: name constraints. Each row was tried with a real Go 1.26 client. */
import type { AcceptanceCase } from './acceptance-case.ts';
import { LEAF, root, trusted, under } from './acceptance-case.ts';
import { make, makeRoot } from './certificates.ts';

const narrow = makeRoot({ name: 'Narrow Root', permitted: { dns: ['example.com'] } });
const belowNarrow = make({ name: 'Below Narrow', isAuthority: true }, narrow);

export const CONSTRAINT_CASES: readonly AcceptanceCase[] = [
  {
    row: 'name constraint kept',
    chain: under({ permitted: { dns: ['test'] } }),
    trusted,
    want: 'accepted',
  },
  {
    row: 'name constraint violated',
    chain: under({ permitted: { dns: ['example.com'] } }),
    trusted,
    want: 'not-acceptable',
    detail: 'the name gitlab.test is not permitted',
  },
  {
    row: 'name excluded',
    chain: under({ excluded: { dns: ['gitlab.test'] } }),
    trusted,
    want: 'not-acceptable',
    detail: 'the name gitlab.test is excluded',
  },
  {
    row: 'constraint of the root, name of the intermediate’s leaf',
    chain: [make(LEAF, belowNarrow), belowNarrow],
    trusted: [narrow],
    want: 'not-acceptable',
    detail: 'not permitted',
  },
  {
    row: 'address outside the permitted network',
    chain: under({ permitted: { ip: ['10.0.0.0/255.0.0.0'] } }, root, { ip: ['192.0.2.1'] }),
    trusted,
    want: 'not-acceptable',
    detail: 'the address 192.0.2.1 is not permitted',
  },
  {
    row: 'address inside the permitted network',
    chain: under({ permitted: { ip: ['192.0.2.0/255.255.255.0'] } }, root, { ip: ['192.0.2.1'] }),
    trusted,
    want: 'accepted',
  },
  {
    row: 'constraint with a dot in front, name itself',
    chain: under({ permitted: { dns: ['.gitlab.test'] } }),
    trusted,
    want: 'not-acceptable',
  },
  {
    row: 'constraint in upper case',
    chain: under({ permitted: { dns: ['TEST'] } }),
    trusted,
    want: 'accepted',
  },
  {
    row: 'wildcard that could match an excluded name',
    chain: under({ excluded: { dns: ['secret.test'] } }, root, { dns: ['*.test'] }),
    trusted,
    want: 'not-acceptable',
    detail: 'the name *.test is excluded',
  },
  {
    row: 'constraint for mail only',
    chain: under({ permitted: { email: ['example.com'] } }),
    trusted,
    want: 'accepted',
  },
  {
    row: 'mail of another domain than the permitted one',
    chain: under({ permitted: { email: ['example.com'] } }, root, { email: ['root@gitlab.test'] }),
    trusted,
    want: 'not-acceptable',
  },
  {
    row: 'URI of another host than the permitted one',
    chain: under({ permitted: { uri: ['example.com'] } }, root, { uri: ['https://gitlab.test/'] }),
    trusted,
    want: 'not-acceptable',
  },
  {
    row: 'constraint of the leaf’s common name',
    chain: under({ excluded: { dns: ['other.test'] } }, root, { name: 'other.test' }),
    trusted,
    want: 'accepted',
  },
];
