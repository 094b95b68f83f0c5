/** Faults of the path that are tried in every kind of place. */
import type { FaultRow } from '../scenario.ts';

type PathFault = Pick<FaultRow, 'title' | 'inject' | 'expect' | 'runnerLogs'>;

export const RESOLVER_DOWN: PathFault = {
  title: 'nothing listens on the resolver’s address',
  inject: async ({ names }) => await names.stop(),
  expect: { cause: 'dns-resolver-down', severity: 'critical', chain: 'F/s/n/s/s/s/s' },
  runnerLogs: /read: connection refused/,
};

export const PORT_CLOSED: PathFault = {
  title: 'nothing listens on GitLab’s port',
  inject: async ({ gitlab }) => await gitlab.stop(),
  expect: { cause: 'tcp-connection-refused', severity: 'critical', chain: 'o/F/n/s/s/s/s' },
  runnerLogs: /connect: connection refused/,
};

export const TOKEN_FORGOTTEN: PathFault = {
  title: 'GitLab has forgotten the token',
  inject: ({ gitlab }) => gitlab.application.tokens.clear(),
  expect: { cause: 'token-rejected', severity: 'critical', chain: 'o/o/n/o/o/o/F' },
  runnerLogs: /forbidden/,
};
