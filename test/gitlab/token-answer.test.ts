import { describe, expect, test } from 'vitest';

import type { HttpAnswer } from '../../src/core/probe.ts';
import { judgeTokenAnswer, readOnlySiteEvidence } from '../../src/gitlab/token-answer.ts';
import { START } from '../support/clock.ts';
import { answerOf, FROM_RAILS, jsonAnswer } from '../support/http-answer.ts';
import { runnerTarget } from '../support/probes.ts';

const TARGET = runnerTarget('AAAAAAAAA');
const ASKED = new URL('https://gitlab.test/api/v4/runners/verify');

function judge(answer: HttpAnswer, tokenExpiresAt?: number) {
  const target = tokenExpiresAt === undefined ? TARGET : { ...TARGET, tokenExpiresAt };
  return judgeTokenAnswer(answer, { target, asked: ASKED, now: START });
}

describe('accepted', () => {
  test.each<[string, HttpAnswer]>([
    ['verify', jsonAnswer(200, { id: 1, token: TARGET.token.reveal(), token_expires_at: null })],
    ['discovery', jsonAnswer(200, { server_url: 'grpcs://kas.test' })],
    ['no job router', jsonAnswer(501, { message: 'Job Router is not available' })],
    ['no job router, with another message of GitLab', jsonAnswer(501, {}, FROM_RAILS)],
    ['verify of GitLab 15', answerOf(200, '200', FROM_RAILS)],
  ])('%s', (_what, answer) => {
    expect(judge(answer)).toBeUndefined();
  });
});

describe('not accepted, and nothing said of the token', () => {
  test.each<[string, HttpAnswer]>([
    ['an empty 200', answerOf(200)],
    ['a list', jsonAnswer(200, [1])],
    ['204', answerOf(204, '', FROM_RAILS)],
    ['401 of GitLab', jsonAnswer(401, { message: '401 Unauthorized' }, FROM_RAILS)],
    [
      '405 of GitLab, as after a redirect',
      jsonAnswer(405, { error: '405 Not Allowed' }, FROM_RAILS),
    ],
    ['501 of another server', jsonAnswer(501, { message: 'no such method' })],
    ['307', answerOf(307, '', { location: 'https://b.test/api/v4/runners/verify' })],
  ])('%s', (_what, answer) => {
    expect(judge(answer)).toMatchObject({ status: 'unknown', reason: 'token-error' });
  });
});

const refusalAt = (date: string) =>
  jsonAnswer(403, { message: '403 Forbidden' }, { ...FROM_RAILS, date });

describe('the end of the token is compared with GitLab’s clock', () => {
  test.each([
    ['expired', 'Tue, 24 Nov 2026 09:00:02 GMT'],
    ['rejected', 'Tue, 24 Nov 2026 09:00:00 GMT'],
    ['rejected', 'no date'],
  ])('%s at %s', (reason, date) => {
    expect(judge(refusalAt(date), START + 1000)).toMatchObject({ status: 'fail', reason });
  });

  test('a refusal of a token that does not expire is no expiry', () => {
    expect(judge(refusalAt('Tue, 24 Nov 2026 09:00:02 GMT'))).toMatchObject({ reason: 'rejected' });
  });

  test('an expired token that GitLab still takes is taken', () => {
    expect(judge(jsonAnswer(200, { id: 1 }), START - 1000)).toBeUndefined();
  });
});

test('text of a message of GitLab is never in the detail', () => {
  const canary = TARGET.token.reveal();
  const args = ['orphaned', 'read-only', 'Executing database migrations', 'anything'];
  const answers = [400, 403, 404, 422, 429, 500, 503].flatMap((status) =>
    args.flatMap((word) => [
      jsonAnswer(status, { message: `${word} ${canary}`, token: canary }, FROM_RAILS),
      jsonAnswer(status, { message: `${word} ${canary}` }, { server: `x${canary}` }),
    ]),
  );
  expect(JSON.stringify(answers.map((answer) => judge(answer)))).not.toContain(canary);
});

describe('a refusal to write for good', () => {
  const DISCOVERY = new URL('https://gitlab.test/api/v4/runners/router/discovery');
  const plain = { message: 'You cannot perform write operations on a read-only instance' };
  const geo = { message: 'read-only: perform this action on the primary site' };

  test.each<[string, HttpAnswer, URL, boolean]>([
    ['of verify, in plain text', jsonAnswer(403, plain, FROM_RAILS), ASKED, false],
    ['with the message of Geo', jsonAnswer(403, geo, FROM_RAILS), ASKED, true],
    ['with a header of Geo', jsonAnswer(403, plain, { 'x-gitlab-geo-site': 'b' }), ASKED, true],
    ['by a name', jsonAnswer(403, plain), new URL('https://gitlab-geo2.test/verify'), true],
    ['of reading, too', jsonAnswer(403, plain, FROM_RAILS), DISCOVERY, true],
    ['of a maintenance', jsonAnswer(503, plain, FROM_RAILS), DISCOVERY, false],
    ['of a token', jsonAnswer(403, { message: '403 Forbidden' }), DISCOVERY, false],
  ])('%s', (_what, answer, asked, isSite) => {
    expect(readOnlySiteEvidence(answer, asked) !== undefined).toBe(isSite);
  });
});

test('a 403 without GitLab’s headers is of another server if GitLab’s other answers have them', () => {
  const context = { target: TARGET, asked: ASKED, now: START };
  const answer = jsonAnswer(403, { message: '403 Forbidden' });

  expect(judgeTokenAnswer(answer, context)).toMatchObject({ reason: 'token-error' });
  expect(judgeTokenAnswer(answer, { ...context, isProvenElsewhere: true })).toMatchObject({
    status: 'fail',
    reason: 'forbidden-by-edge',
  });
});
