import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import type { ProxyDecision } from '../../../src/core/target.ts';
import { decideProxy } from '../../../src/go/proxy/decision.ts';

const GITLAB = new URL('https://gitlab.example.com/');
const PLAIN = new URL('http://gitlab.example.com/');

/** What Go itself answered; see `about` in the files. */
function fixture(name: string): unknown {
  const path = new URL(`../../fixtures/go-proxy/${name}`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8'));
}

interface GoProxy {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
  readonly user?: string;
  readonly password?: string;
}

const { values } = fixture('values.json') as {
  readonly values: readonly { value: string; proxy: GoProxy | null }[];
};
const { urls, lists } = fixture('no-proxy.json') as {
  urls: readonly string[];
  lists: readonly { noProxy: string; direct: readonly string[] }[];
};

/** A decision as a line, password in the clear: these are invented. */
function lineOf(decision: ProxyDecision): string {
  if (decision.kind === 'direct') return 'direct';
  const { scheme, host, port, credentials } = decision;
  const user =
    credentials === undefined ? '' : `${credentials.user}:${credentials.password.reveal()}@`;
  return `${scheme}://${user}${host}:${port}`;
}

/** Go keeps the scheme as written and dials an empty host as this one, an empty port as 0. */
function goLine(proxy: GoProxy | null): string {
  if (proxy === null) return 'direct';
  const { scheme, host, port, user, password } = proxy;
  const known: Readonly<Record<string, string>> = {
    https: 'https',
    socks5: 'socks5',
    socks5h: 'socks5',
  };
  const info = user === undefined ? '' : `${user}:${password}@`;
  return `${known[scheme] ?? 'http'}://${info}${host === '' ? 'localhost' : host}:${Number(port)}`;
}

describe('the value of a proxy variable means what it means to Go', () => {
  test.each(values)('$value', ({ value, proxy }) => {
    expect(lineOf(decideProxy(GITLAB, { HTTPS_PROXY: value }))).toBe(goLine(proxy));
  });
});

describe('NO_PROXY exempts what it exempts for Go', () => {
  test.each(lists)('NO_PROXY="$noProxy"', ({ noProxy, direct }) => {
    const environment = {
      HTTPS_PROXY: 'http://proxy:3128',
      HTTP_PROXY: 'http://proxy:3128',
      NO_PROXY: noProxy,
    };
    const exempt = urls.filter((url) => decideProxy(new URL(url), environment).kind === 'direct');
    expect(exempt).toEqual(direct);
  });
});

describe('which variable counts', () => {
  const table: readonly { environment: Record<string, string>; https: string; http: string }[] = [
    { environment: {}, https: 'direct', http: 'direct' },
    { environment: { HTTPS_PROXY: 'a' }, https: 'http://a:80', http: 'direct' },
    { environment: { HTTP_PROXY: 'a' }, https: 'direct', http: 'http://a:80' },
    { environment: { HTTPS_PROXY: 'a', https_proxy: 'b' }, https: 'http://a:80', http: 'direct' },
    { environment: { https_proxy: 'b' }, https: 'http://b:80', http: 'direct' },
    { environment: { HTTPS_PROXY: '', https_proxy: 'b' }, https: 'http://b:80', http: 'direct' },
    { environment: { HTTP_PROXY: 'a', http_proxy: 'b' }, https: 'direct', http: 'http://a:80' },
    { environment: { ALL_PROXY: 'a', all_proxy: 'b' }, https: 'direct', http: 'direct' },
    {
      environment: { HTTPS_PROXY: 'a', HTTP_PROXY: 'b', REQUEST_METHOD: 'GET' },
      https: 'http://a:80',
      http: 'direct',
    },
    { environment: { HTTPS_PROXY: 'a', no_proxy: '*' }, https: 'direct', http: 'direct' },
    {
      environment: { HTTPS_PROXY: 'a', NO_PROXY: 'x', no_proxy: '*' },
      https: 'http://a:80',
      http: 'direct',
    },
    {
      environment: { HTTPS_PROXY: 'a', NO_PROXY: '', no_proxy: '*' },
      https: 'direct',
      http: 'direct',
    },
  ];
  test.each(table)('$environment', ({ environment, https, http }) => {
    const lines = [GITLAB, PLAIN].map((url) => lineOf(decideProxy(url, environment)));
    expect(lines).toEqual([https, http]);
  });

  test('the decision names the variable as the process has it', () => {
    expect(decideProxy(GITLAB, { https_proxy: 'proxy:3128' })).toEqual({
      kind: 'proxy',
      scheme: 'http',
      host: 'proxy',
      port: 3128,
      variable: 'https_proxy',
    });
  });
});

describe('a direct path has its reason', () => {
  test.each([
    [GITLAB, {}, 'HTTPS_PROXY is not set'],
    [PLAIN, { HTTPS_PROXY: 'a' }, 'HTTP_PROXY is not set'],
    [
      PLAIN,
      { HTTP_PROXY: 'a', REQUEST_METHOD: 'GET' },
      'Go refuses HTTP_PROXY, because REQUEST_METHOD is set (CGI)',
    ],
    [GITLAB, { https_proxy: '%zz' }, 'https_proxy cannot be parsed as a URL and is ignored'],
    [
      GITLAB,
      { HTTPS_PROXY: 'a', no_proxy: 'x, .Example.com' },
      'no_proxy has ".example.com", which matches gitlab.example.com',
    ],
    [new URL('https://localhost/'), { HTTPS_PROXY: 'a' }, 'localhost is never proxied'],
    [new URL('https://[::1]/'), { HTTPS_PROXY: 'a' }, '::1 is never proxied'],
  ])('%s with %o', (url, environment, because) => {
    expect(decideProxy(url, environment)).toMatchObject({ kind: 'direct', because });
  });
});

describe('a value that Go makes another proxy of is marked', () => {
  test.each([
    'http://user:p#ss@proxy:3128',
    'http://proxy:31x8',
    '"http://proxy:3128"',
    'http://proxy:93128',
  ])('%s', (value) => {
    expect(decideProxy(GITLAB, { HTTPS_PROXY: value })).toMatchObject({ isMisread: true });
  });

  test.each(['proxy:3128', 'http://proxy:3128', 'user:pass@proxy:3128', 'socks5://proxy'])(
    '%s is not',
    (value) => {
      expect(decideProxy(GITLAB, { HTTPS_PROXY: value })).not.toHaveProperty('isMisread');
    },
  );
});

test('a password is hidden in the decision', () => {
  const decision = decideProxy(GITLAB, { HTTPS_PROXY: 'http://user:p%23ss@proxy:3128' });
  expect(JSON.stringify(decision)).not.toContain('p#ss');
  expect(JSON.stringify(decision)).toContain('[hidden]');
});
