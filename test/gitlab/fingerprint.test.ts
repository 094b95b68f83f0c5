import { describe, expect, test } from 'vitest';

import type { HttpAnswer } from '../../src/core/probe.ts';
import {
  fingerprint,
  isJson,
  isReadOnlyText,
  jsonOf,
  messageOf,
} from '../../src/gitlab/fingerprint.ts';
import { answerOf, FROM_RAILS, jsonAnswer } from '../support/http-answer.ts';

describe('who answered', () => {
  test.each<[string, string, HttpAnswer]>([
    [
      'rails proven by nginx',
      'GitLab behind nginx',
      answerOf(404, '', { ...FROM_RAILS, server: 'nginx' }),
    ],
    ['rails proven by ', 'only the meta header', answerOf(200, '', { 'x-gitlab-meta': '{}' })],
    [
      'rails proven by ',
      'only a ULID',
      answerOf(200, '', { 'x-request-id': FROM_RAILS['x-request-id'] }),
    ],
    [
      'rails proven by cloudflare',
      'GitLab through a CDN',
      answerOf(200, '', { ...FROM_RAILS, 'cf-ray': '1', server: 'cloudflare' }),
    ],
    ['rails by ', "an error in GitLab's format", jsonAnswer(401, { message: '401 Unauthorized' })],
    ['rails by ', 'Grape’s own error', jsonAnswer(400, { error: 'token is missing' })],
    ['rails by ', 'the health page', answerOf(200, 'GitLab OK')],
    ['workhorse by ', 'Puma is down', answerOf(502, 'GitLab is not responding')],
    ['workhorse by ', 'its JSON page', jsonAnswer(502, { error: 'Bad Gateway', status: 502 })],
    ['workhorse by ', 'its long poll', answerOf(204, '', { 'gitlab-ci-builds-polling': 'yes' })],
    ['edge by Cloudflare', 'by a header', answerOf(403, '', { 'cf-ray': '1', server: 'x' })],
    ['edge by AWS WAF', 'by a header', answerOf(403, '', { 'x-amzn-waf-action': 'block' })],
    ['edge by Imperva', 'by a header', answerOf(403, '', { 'x-iinfo': '1' })],
    ['edge by squid', 'by a header', answerOf(503, '', { 'x-squid-error': 'ERR_DNS_FAIL 0' })],
    [
      "edge by GitLab.com's load balancer",
      'by a header',
      answerOf(403, '', { 'gitlab-lb': 'haproxy-1' }),
    ],
    ['edge by awselb', 'by its server', answerOf(403, '', { server: 'awselb/2.0' })],
    [
      'edge by BIG-IP',
      'by its page',
      answerOf(200, 'The requested URL was rejected. Please consult with your administrator.'),
    ],
    [
      'other by HAProxy',
      'by its page',
      answerOf(503, 'No server is available to handle this request.'),
    ],
    ['other by nginx', 'by its page', answerOf(404, '<hr><center>nginx/1.22.1</center>')],
    ['other by Apache/2.4', 'by its header', answerOf(404, '', { server: 'Apache/2.4' })],
    ['other by ', 'nothing known', answerOf(200, '<h1>Hi</h1>')],
    [
      'other by ',
      'another Rails program',
      answerOf(404, '', {
        'x-runtime': '0.1',
        'x-request-id': 'b8c1e1f0-0000-4000-8000-000000000000',
      }),
    ],
    [
      'other by ',
      'the id that the runner itself sent',
      answerOf(403, '', { 'x-request-id': 'a'.repeat(32) }),
    ],
    ['other by ', 'GitLab’s message as text', answerOf(401, '{"message":"401 Unauthorized"}')],
    ['other by ', 'JSON of a gateway', jsonAnswer(403, { message: 'Forbidden' })],
  ])('%s: %s', (expected, _what, answer) => {
    const { who, isProven, server } = fingerprint(answer);
    expect(`${who}${isProven ? ' proven' : ''} by ${server}`).toBe(expected);
  });

  test('a server’s name is shown short and printable', () => {
    const { server } = fingerprint(
      answerOf(200, '', { server: `a\n\u001b[31mb${'x'.repeat(999)}` }),
    );
    expect(server).toMatch(/^a\[31mbx+$/);
    expect(server).toHaveLength(60);
  });

  test('every sign is listed', () => {
    expect(fingerprint(jsonAnswer(403, { message: '403 Forbidden' }, FROM_RAILS)).signals).toEqual([
      'X-Gitlab-Meta',
      'X-Request-Id',
      "error in GitLab's format",
      'X-Runtime',
    ]);
  });
});

describe('JSON is what the runner takes for JSON', () => {
  test.each<[boolean, string | undefined]>([
    [true, 'application/json'],
    [true, 'Application/JSON; charset=utf-8'],
    [false, 'application/problem+json'],
    [false, 'text/json'],
    [false, undefined],
  ])('%s for %s', (expected, type) => {
    expect(isJson(answerOf(200, '{}', type === undefined ? {} : { 'content-type': type }))).toBe(
      expected,
    );
  });

  test.each<[string, unknown]>([
    ['401 Unauthorized', { message: '401 Unauthorized' }],
    ['404 Not Found', { error: '404 Not Found' }],
    ['{"base":["Runner is orphaned"]}', { message: { base: ['Runner is orphaned'] } }],
    ['', { other: 1 }],
    ['', null],
    ['', 'text'],
    ['', [1]],
  ])('its message is %j', (expected, json) => {
    expect(messageOf(jsonAnswer(400, json))).toBe(expected);
  });

  test('a broken body has none', () => {
    expect(jsonOf(answerOf(200, '{"a":', { 'content-type': 'application/json' }))).toEqual({});
  });
});

test.each([
  [true, 'You cannot perform write operations on a read-only instance'],
  [true, 'GitLab is undergoing maintenance'],
  [false, '403 Forbidden'],
])('read-only is %s for %s', (expected, text) => {
  expect(isReadOnlyText(text)).toBe(expected);
});
