/** A server without GitLab's API below `url`, and where it leads. */
import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import { otherRoot } from '../../src/follow-ups/other-root.ts';
import { api } from '../../src/probes/api.ts';
import { http } from '../../src/probes/http.ts';
import type { ScriptedReply } from '../support/http-server.ts';
import {
  endpointAt,
  HEALTHY,
  RAILS_HEADERS,
  reply,
  startHttpServer,
  walkTo,
} from '../support/http-server.ts';
import { followUp } from '../support/run-follow-up.ts';
import { runProbe } from '../support/run-probe.ts';

const page = (status: number, body: string, headers: Record<string, string> = {}): string =>
  reply(status, body, { headers });

/** The finding of the api link after http and this follow-up, all over one connection. */
async function ask(port: number): Promise<Finding> {
  await using path = await walkTo(port);
  const tools = { walk: path.walk };
  const target = endpointAt(port, '/');
  await runProbe(http, target, { tools });
  const finding = await runProbe(api, target, { tools });
  return await followUp(otherRoot, { link: 'api', finding, target, tools });
}

describe('no API answers below url', () => {
  const missing = page(404, '<h1>404 Not Found</h1>');
  const there: Readonly<Record<string, ScriptedReply>> = {
    '/-/health': HEALTHY,
    '/': page(302, '', { Location: '/code/users/sign_in' }),
  };

  test.each<[string, Readonly<Record<string, ScriptedReply>>, string, string | undefined]>([
    ['and the host leads to a GitLab', there, 'wrong-path', '/code/'],
    [
      'and a GitLab is where the documentation puts it',
      { '/-/health': HEALTHY, '/gitlab/-/health': reply(404, '', { headers: RAILS_HEADERS }) },
      'wrong-path',
      '/gitlab/',
    ],
    ['and there is none', { '/-/health': HEALTHY }, 'not-gitlab', undefined],
    [
      'and the host leads to a GitLab elsewhere',
      { '/-/health': HEALTHY, '/': page(302, '', { Location: 'https://b.test/users/sign_in' }) },
      'not-gitlab',
      undefined,
    ],
  ])('%s', async (_what, answers, reason, root) => {
    await using server = await startHttpServer(({ path }) => answers[path] ?? missing);
    const finding = await ask(server.port);

    expect(finding).toMatchObject({ status: 'fail', reason });
    const found = finding.facts?.['root'];
    expect(found === undefined ? undefined : new URL(String(found)).pathname).toBe(root);
  });
});
