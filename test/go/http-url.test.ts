import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { baseUrlOf, redactUrl } from '../../src/config/runner/base-url.ts';
import type { HttpUrl } from '../../src/core/http-url.ts';
import { urlBelow } from '../../src/core/http-url.ts';
import { httpUrlOf } from '../../src/go/http-url.ts';
import { parseLikeGo } from '../../src/go/url.ts';

interface GoAnswer {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
  readonly path: string;
  readonly user?: string;
  readonly password?: string;
  /** Absent where no request was sent. */
  readonly dialled?: string;
  readonly hostHeader?: string;
}

const file = new URL('../fixtures/go-url/urls.json', import.meta.url);
const { urls } = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly urls: readonly { readonly url: string; readonly go: GoAnswer | null }[];
};

/** As the runner cuts and continues it. */
function textOf(url: string): string {
  return `${url.replace(/\/+$/, '').replace(/\/ci$/, '')}/api/v4/`;
}

/** Behind ? or # the path of the request would not be part of the path. */
const plain = urls.filter(({ url }) => !/[?#]/.test(url));

function partsOf(text: string) {
  const read = parseLikeGo(text);
  if (read === undefined) return null;
  const { scheme, host, port, user } = read;
  return { scheme, host, port, user: user?.name, password: user?.password };
}

describe('a url has the parts that Go reads', () => {
  test.each(urls)('$url', ({ url, go }) => {
    const { scheme, host, port, user, password } = go ?? {};
    const wanted = go === null ? null : { scheme, host, port, user, password };
    expect(partsOf(textOf(url))).toEqual(wanted);
  });
});

describe('several colons in a host', () => {
  test.each([
    ['https://2001:db8::5:8443/', '[2001:db8::5]', '8443', '2001:db8::5:8443'],
    ['https://gitlab.test:80:443/', '[gitlab.test:80]', '443', 'gitlab.test:80:443'],
    ['https://[2001:db8::5]:8443/', '[2001:db8::5]', '8443', '[2001:db8::5]:8443'],
    ['https://gitlab.test:8443/', 'gitlab.test', '8443', 'gitlab.test:8443'],
  ])('%s is read by a Go before 1.26: the last one begins the port', (text, host, port, header) => {
    expect(httpUrlOf(text, true)).toMatchObject({ hostname: host, port, host: header });
  });

  test.each(['https://2001:db8::5:8443/', 'https://gitlab.test:80:443/'])(
    '%s is rejected by the newest',
    (text) => {
      expect(httpUrlOf(text)).toBe('unparsable');
    },
  );

  test('what follows the last one is a port for every Go', () => {
    expect(httpUrlOf('https://gitlab.test:80:http/', true)).toBe('unparsable');
  });
});

describe('a request goes where that of Go goes', () => {
  // Go writes no host that a header may not hold, and an international name in capitals as they are.
  const ODD = /[<>"\u00A0]|BÜCHER|１２７|。/;
  const sent = plain.flatMap(({ url, go }) =>
    go?.dialled === undefined || Number(go.port) > 65_535 ? [] : [{ url, go }],
  );
  test.each(sent)('$url', ({ url, go }) => {
    const base = baseOf(url);
    const request = urlBelow(base, 'api/v4/jobs/request');
    expect(request.hostname).toBe(go.dialled);
    expect(request.pathname).toBe(go.path);
    expect(ODD.test(go.host) ? go.hostHeader : request.host).toBe(go.hostHeader);
    expect(request.credentials?.user).toBe(go.user);
    expect(request.credentials?.password.reveal()).toBe(go.password);
  });
});

function baseOf(url: string): HttpUrl {
  const base = httpUrlOf(`${url.replace(/\/+$/, '').replace(/\/ci$/, '')}/`);
  if (typeof base === 'string') throw new Error(`${url}: ${base}`);
  return base;
}

test('what Go’s client sends nothing for cannot be used, and what it sends can', () => {
  for (const { url, go } of plain) {
    const isSent = go?.dialled !== undefined && Number(go.port) <= 65_535;
    // Go sends a blank at the end of the path, and no GitLab answers there.
    expect([url, baseUrlOf(url).ok]).toEqual([url, isSent && !/\s/.test(url)]);
  }
});

test.each([
  ['https://gitlab.example.com:99999/', 'has a port above 65535'],
  ['https:///gitlab', 'names no host'],
  ['https://a:b:443/', 'cannot be parsed'],
])('%s %s', (url, why) => {
  expect(baseUrlOf(url)).toMatchObject({ ok: false, why });
});

test('no part of a password is shown', () => {
  const text = 'https://user:p@ss@GitLab.example.com/';
  expect(baseOf(text).href).toBe('https://GitLab.example.com/');
  expect(JSON.stringify(baseUrlOf(text))).not.toContain('ss@');
  expect(redactUrl(text)).toBe('https://GitLab.example.com/');
});
