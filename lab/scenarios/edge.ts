/** Servers in front of GitLab: faults on one path, for one client, or in another form. */

import { text } from '../../src/demo/gitlab-response.ts';
import { isRunnerApi } from '../replies.ts';
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
