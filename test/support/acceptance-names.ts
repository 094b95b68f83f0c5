/** Which certificates Go accepts: the names in the certificate. Each row was tried with a real Go 1.26 client. */
import type { AcceptanceCase } from './acceptance-case.ts';
import { leaf, leafWith, trusted } from './acceptance-case.ts';

const ADDRESS = '127.0.0.1';

export const NAME_CASES: readonly AcceptanceCase[] = [
  {
    row: 'wrong name',
    chain: leafWith({ dns: ['a.test', 'b.test'] }),
    trusted,
    want: 'name-mismatch',
    detail: '(a.test, b.test), not gitlab.test',
  },
  { row: 'CN only, no SAN', chain: leafWith({ dns: [] }), trusted, want: 'no-san' },
  {
    row: 'URI SAN only, CN is the host',
    chain: leafWith({ dns: [], uri: ['https://gitlab.test/'] }),
    trusted,
    want: 'no-san',
  },
  { row: 'IP SAN', host: ADDRESS, chain: leafWith({ ip: [ADDRESS] }), trusted, want: 'accepted' },
  { row: 'IPv6 SAN', host: '[::1]', chain: leafWith({ ip: ['::1'] }), trusted, want: 'accepted' },
  {
    row: 'IP url, other IP SAN',
    host: ADDRESS,
    chain: leafWith({ ip: ['10.0.0.1'] }),
    trusted,
    want: 'name-mismatch',
  },
  {
    row: 'IP url, IP only as a DNS name',
    host: ADDRESS,
    chain: leafWith({ dns: [ADDRESS] }),
    trusted,
    want: 'name-mismatch',
    detail: 'no IP address',
  },
  {
    row: 'IP url, CN is the IP, no SAN',
    host: ADDRESS,
    chain: leafWith({ name: ADDRESS, dns: [] }),
    trusted,
    want: 'no-san',
  },
  {
    row: 'wildcard over one label',
    chain: leafWith({ dns: ['*.test'] }),
    trusted,
    want: 'accepted',
  },
  {
    row: 'wildcard over two labels',
    host: 'a.gitlab.test',
    chain: leafWith({ dns: ['*.test'] }),
    trusted,
    want: 'name-mismatch',
  },
  {
    row: 'wildcard as part of a label',
    chain: leafWith({ dns: ['git*.test'] }),
    trusted,
    want: 'name-mismatch',
  },
  {
    row: 'wildcard in the second label',
    host: 'a.gitlab.test',
    chain: leafWith({ dns: ['a.*.test'] }),
    trusted,
    want: 'name-mismatch',
  },
  {
    row: 'bare wildcard',
    host: 'gitlab',
    chain: leafWith({ dns: ['*'] }),
    trusted,
    want: 'name-mismatch',
  },
  { row: 'upper case', chain: leafWith({ dns: ['GitLab.TEST'] }), trusted, want: 'accepted' },
  {
    row: 'underscore',
    host: 'git_lab.test',
    chain: leafWith({ dns: ['git_lab.test'] }),
    trusted,
    want: 'accepted',
  },
  {
    row: 'underscore under a wildcard',
    host: 'git_lab.test',
    chain: leafWith({ dns: ['*.test'] }),
    trusted,
    want: 'accepted',
  },
  {
    row: 'underscore in front, under a wildcard',
    host: '_gitlab.test',
    chain: leafWith({ dns: ['*.test'] }),
    trusted,
    want: 'accepted',
  },
  { row: 'trailing dot in url', host: 'gitlab.test.', chain: [leaf], trusted, want: 'accepted' },
  {
    row: 'trailing dot in url, wildcard',
    host: 'gitlab.test.',
    chain: leafWith({ dns: ['*.test'] }),
    trusted,
    want: 'accepted',
  },
  {
    row: 'trailing dot in the certificate',
    chain: leafWith({ dns: ['gitlab.test.'] }),
    trusted,
    want: 'name-mismatch',
  },
  {
    row: 'trailing dot in both',
    host: 'gitlab.test.',
    chain: leafWith({ dns: ['gitlab.test.'] }),
    trusted,
    want: 'accepted',
  },
];
