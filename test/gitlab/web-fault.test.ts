import { describe, expect, test } from 'vitest';

import type { ExchangeFault } from '../../src/core/exchange-error.ts';
import { ExchangeError } from '../../src/core/exchange-error.ts';
import { webFaultOf } from '../../src/gitlab/web-fault.ts';
import { answerOf, FROM_RAILS, jsonAnswer } from '../support/http-answer.ts';

const ASKED = new URL('http://gitlab.test/root/api/v4/version');

test.each<[ExchangeFault, string]>([
  ['closed', 'closed'],
  ['reset', 'connection-reset'],
  ['cut', 'connection-reset'],
  ['no-answer', 'no-answer'],
  ['slow-body', 'no-answer'],
  ['not-http', 'not-http'],
  ['http2-only', 'http2-only'],
  ['malformed', 'malformed'],
  ['client-certificate-required', 'client-certificate-required'],
])('an exchange that ended as %s is %s', (fault, expected) => {
  expect(webFaultOf(new ExchangeError(fault, 'x'))).toBe(expected);
});

test.each<[number, string | undefined]>([
  [200, undefined],
  [204, undefined],
  [304, undefined],
  [400, undefined],
  [401, undefined],
  [404, undefined],
  [405, undefined],
  [410, undefined],
  [422, undefined],
  [403, 'forbidden'],
  [406, 'forbidden'],
  [407, 'forbidden'],
  [451, 'forbidden'],
  [429, 'too-many-requests'],
  [500, 'server-error'],
  [501, 'server-error'],
  [502, 'bad-gateway'],
  [503, 'unavailable'],
  [504, 'unavailable'],
  [511, 'login-gateway'],
  [519, 'server-error'],
  [520, 'origin-error'],
  [521, 'origin-error'],
  [522, 'origin-error'],
  [523, 'origin-error'],
  [524, 'origin-error'],
  [525, 'origin-error'],
  [526, 'origin-error'],
  [528, 'server-error'],
  [530, 'origin-error'],
])('a bare %i is %s', (status, expected) => {
  expect(webFaultOf(answerOf(status), ASKED)).toBe(expected);
});

test('a server that demands HTTP/2 is told by its page or its header', () => {
  const page = 'Missing ALPN Protocol, expected `h2` or `http/1.1`';
  expect(webFaultOf(answerOf(403, page), ASKED)).toBe('http2-only');
  expect(webFaultOf(answerOf(426, '', { upgrade: 'h2c' }), ASKED)).toBe('http2-only');
  expect(webFaultOf(answerOf(426, '', { upgrade: 'websocket' }), ASKED)).toBeUndefined();
});

const sentTo = (location: string) => answerOf(302, '', { ...FROM_RAILS, location });

describe('where a redirect leads decides what it is', () => {
  test.each<[string | undefined, number, string]>([
    ['redirected', 301, 'https://gitlab.test/root/api/v4/version'],
    ['redirected', 302, 'https://sso.test/root/api/v4/version'],
    ['redirected', 303, '/'],
    ['redirected', 302, 'https://lesson.test/authors'],
    ['moved', 307, 'https://gitlab.test/root/api/v4/version'],
    ['moved', 308, 'https://gitlab.test/root/api/v4/version'],
    ['login-gateway', 302, 'https://sso.test/'],
    ['login-gateway', 302, '/login?rd=%2F'],
    ['login-gateway', 302, '/users/sign_in'],
    ['login-gateway', 307, 'https://adfs.corp.test/adfs/ls/'],
    ['login-gateway', 302, 'https://keycloak.test/realms/x/protocol/openid-connect/auth'],
    ['login-gateway', 303, 'https://login.microsoftonline.com/x/oauth2/authorize'],
    [undefined, 302, 'http://['],
  ])('%s: %i to %s', (expected, status, location) => {
    expect(webFaultOf(answerOf(status, '', { location }), ASKED)).toBe(expected);
  });

  test('a redirect of GitLab to its own login is none, to the login of another host it is', () => {
    expect(webFaultOf(sentTo('http://gitlab.test/users/sign_in'), ASKED)).toBeUndefined();
    expect(webFaultOf(sentTo('http://other.test/users/sign_in'), ASKED)).toBe('login-gateway');
  });
});

test('GitLab’s own JSON refusals are left to the link that asked', () => {
  const answer = jsonAnswer(403, { message: '403 Forbidden' }, FROM_RAILS);
  expect(webFaultOf(answer, ASKED)).toBeUndefined();
  expect(webFaultOf(answerOf(403, 'Forbidden', FROM_RAILS), ASKED)).toBe('forbidden');
});

test('a wish for Basic credentials is a gateway’s, and GitLab’s own is not', () => {
  const wish = { 'www-authenticate': 'Basic' };
  expect(webFaultOf(answerOf(401, '', wish), ASKED)).toBe('login-gateway');
  expect(webFaultOf(answerOf(401, '', { ...wish, ...FROM_RAILS }), ASKED)).toBeUndefined();
});
