/** Servers in front of GitLab: faults on one path, for one client, or in another form. */

import { text } from '../../src/demo/gitlab-response.ts';
import type { Override, ReceivedRequest } from '../../src/demo/gitlab-stand-in.ts';
import { isRunnerApi, nginxPage } from '../replies.ts';
import type { Row } from '../scenario.ts';

const OPEN = 'o/o/n/o/o/o/o';
const HTML = 'text/html';

const AWS = {
  ...text(
    403,
    '<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n</body>\r\n</html>\r\n',
    HTML,
  ),
  headers: { Server: 'awselb/2.0' },
};

type Asked = Pick<ReceivedRequest, 'method' | 'path' | 'userAgent'>;

function refuses(isRefused: (asked: Asked) => boolean): Override {
  return (asked) => (isRefused(asked) ? AWS : undefined);
}

const isOurs = ({ userAgent }: Asked): boolean => userAgent.startsWith('runnerwatch');

/** What only one of the two meets. */
const oneSided: readonly Row[] = [
  {
    id: 'G-40',
    title: 'a filter refuses the user agent of runnerwatch alone',
    inject: ({ answers }) => answers(refuses(isOurs)),
    expect: {
      cause: 'monitor-blocked',
      severity: 'notice',
      verdict: 'degraded',
      chain: 'o/o/n/o/d/o/o',
    },
    runnerLogs: 'nothing',
    mustNot: ['edge-waf-blocked', 'edge-ip-banned', 'token-rejected', 'unknown'],
  },
  {
    id: 'G-41',
    title: 'a filter sends the user agent of runnerwatch to a login',
    inject: ({ answers }) =>
      answers((asked) =>
        isOurs(asked)
          ? { ...text(302, ''), headers: { Location: 'https://sso.test/login' } }
          : undefined,
      ),
    expect: { cause: 'monitor-blocked', severity: 'notice', chain: 'o/o/n/o/d/d/o' },
    runnerLogs: 'nothing',
    mustNot: ['edge-auth-gateway', 'unknown'],
  },
  {
    id: 'G-42',
    title: 'a filter refuses every GET below /api/ and the health page, and no POST',
    inject: ({ answers }) =>
      answers(refuses(({ method, path }) => method === 'GET' && !path.includes('/router/'))),
    expect: { cause: 'monitor-blocked', severity: 'notice', chain: 'o/o/n/o/d/d/o' },
    runnerLogs: 'nothing',
    mustNot: ['edge-waf-blocked', 'edge-ip-banned', 'unknown'],
  },
  {
    id: 'G-43',
    title: 'a filter refuses every POST',
    inject: ({ answers }) => answers(refuses(({ method }) => method === 'POST')),
    expect: {
      cause: 'edge-waf-blocked',
      severity: 'critical',
      chain: 'o/o/n/o/o/F/s',
      says: /-X POST/,
    },
    runnerLogs: /forbidden/,
    mustNot: ['token-rejected', 'monitor-blocked', 'unknown'],
  },
  {
    id: 'G-44',
    title: 'a filter refuses the user agent of the runner alone',
    inject: ({ answers }) => answers(refuses((asked) => !isOurs(asked))),
    expect: { cause: 'edge-waf-blocked', severity: 'critical', chain: 'o/o/n/o/o/F/s' },
    runnerLogs: /forbidden/,
    mustNot: ['token-rejected', 'monitor-blocked', 'unknown'],
  },
  {
    id: 'G-45',
    title: 'a web server in front of GitLab shows a page of its own for 400',
    act: ({ answers }) =>
      answers((asked) =>
        asked.path.endsWith('/verify') && asked.token === ''
          ? nginxPage(400, '400 Bad Request')
          : undefined,
      ),
    allowed: [],
  },
];

export const edgeRows: readonly Row[] = [
  {
    id: 'G-07b',
    title: 'a filter refuses the request for jobs alone',
    inject: ({ answers }) =>
      answers(({ path }) => (path === '/api/v4/jobs/request' ? AWS : undefined)),
    expect: { cause: 'edge-waf-blocked', severity: 'critical', chain: OPEN },
    runnerLogs: /forbidden.*=403 Forbidden/,
    mustNot: ['token-rejected', 'runner-disabled-unhealthy', 'unknown'],
    needsHistory: true,
  },
  ...oneSided,
  {
    id: 'G-07c',
    title: 'a filter refuses the runner’s paths, in JSON as GitLab would',
    inject: ({ answers }) =>
      answers((asked) =>
        isRunnerApi(asked)
          ? text(403, '{"message":"403 Forbidden"}', 'application/json')
          : undefined,
      ),
    expect: { cause: 'edge-waf-blocked', severity: 'critical', chain: 'o/o/n/o/o/o/Fu' },
    mustNot: ['token-rejected', 'runner-disabled-unhealthy', 'unknown'],
  },
];
