import { describe, expect, test } from 'vitest';

import type { ResolvConf } from '../../../src/go/dns/resolv-conf.ts';
import { namesToTry, parseResolvConf } from '../../../src/go/dns/resolv-conf.ts';

const DEFAULTS: ResolvConf = {
  servers: ['127.0.0.1', '::1'],
  isFallback: true,
  search: [],
  ndots: 1,
  timeoutSeconds: 5,
  attempts: 2,
  rotate: false,
  singleRequest: false,
  useTcp: false,
};

describe('resolv.conf means', () => {
  test.each<[string | undefined, Partial<ResolvConf>]>([
    [undefined, {}],
    ['', {}],
    ['# nameserver 10.0.0.1\n;nameserver 10.0.0.2\n', {}],
    ['nameserver 10.0.0.1\n', { servers: ['10.0.0.1'], isFallback: false }],
    ['nameserver dns.test\n', {}],
    [
      'nameserver 10.0.0.1 # first\nnameserver dns.test\nnameserver fe80::1%eth0\nnameserver ::2\nnameserver 10.0.0.4',
      { servers: ['10.0.0.1', 'fe80::1%eth0', '::2'], isFallback: false },
    ],
    ['search a.test b.test.\n', { search: ['a.test', 'b.test'] }],
    ['search .\n', {}],
    ['domain a.test b.test\n', { search: ['a.test'] }],
    ['search a.test\nsearch b.test\n', { search: ['b.test'] }],
    ['search a.test\ndomain b.test\n', { search: ['b.test'] }],
    ['options ndots:3 timeout:1 attempts:4\n', { ndots: 3, timeoutSeconds: 1, attempts: 4 }],
    ['options ndots:99 timeout:0 attempts:0\n', { ndots: 15, timeoutSeconds: 1, attempts: 1 }],
    ['options ndots:x timeout:x attempts:-1\n', { ndots: 0, timeoutSeconds: 1, attempts: 1 }],
    ['options rotate edns0\noptions timeout:2\n', { timeoutSeconds: 2, rotate: true }],
    ['options single-request-reopen\n', { singleRequest: true }],
    ['options single-request trust-ad inet6\n', { singleRequest: true }],
    ['options use-vc\n', { useTcp: true }],
    ['options tcp no-reload\n', { useTcp: true }],
    ['domain\nsearch a.test\ndomain\n', { search: ['a.test'] }],
    [
      ' nameserver 10.0.0.1\r\n\tnameserver\t10.0.0.2\r\n',
      { servers: ['10.0.0.1', '10.0.0.2'], isFallback: false },
    ],
  ])('%o', (text, over) => {
    expect(parseResolvConf(text)).toEqual({ ...DEFAULTS, ...over });
  });

  test('without a search line the domain of the host is searched', () => {
    expect(parseResolvConf('', 'corp.test').search).toEqual(['corp.test']);
    expect(parseResolvConf('search a.test\n', 'corp.test').search).toEqual(['a.test']);
    expect(parseResolvConf('search .\n', 'corp.test').search).toEqual(['corp.test']);
  });
});

describe('the names asked for', () => {
  test.each([
    [
      'gitlab.test',
      'search a.test b.test',
      ['gitlab.test', 'gitlab.test.a.test', 'gitlab.test.b.test'],
    ],
    ['gitlab', 'search a.test', ['gitlab.a.test', 'gitlab']],
    ['gitlab', '', ['gitlab']],
    ['gitlab.test.', 'search a.test', ['gitlab.test']],
    ['gitlab.test', 'search a.test\noptions ndots:2', ['gitlab.test.a.test', 'gitlab.test']],
    ['gitlab', 'search a.test\noptions ndots:0', ['gitlab', 'gitlab.a.test']],
    ['gitlab.test', 'search a.test\noptions ndots:x', ['gitlab.test', 'gitlab.test.a.test']],
    ['secret.onion', 'search a.test', ['secret.onion.a.test']],
    ['SECRET.Onion.', '', []],
    ['git_lab.test', '', ['git_lab.test']],
    ['127.1', '', []],
    ['git lab', '', []],
    ['-gitlab.test', '', []],
    ['gitlab-.test', '', []],
    ['gitlab..test', '', []],
    ['.gitlab', '', []],
    ['', '', []],
    ['b\u00FCro.test', '', []],
    [`${'x'.repeat(63)}.test`, '', [`${'x'.repeat(63)}.test`]],
    [`${'x'.repeat(64)}.test`, '', []],
    [`${'x.'.repeat(125)}test`, '', []],
  ])('%s with %o', (name, text, names) => {
    expect(namesToTry(name, parseResolvConf(text))).toEqual(names);
  });
});
