/** Combinations, further: pairs of faults, one fault after another, runnerwatch restarted meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';

import { gitlabError } from '../../src/demo/gitlab-response.ts';
import { incidentsOf } from '../past.ts';
import { usualScript } from '../peers/names.ts';
import { OPEN as OPEN_PROXY, startProxy } from '../peers/proxy.ts';
import { everywhere, nginxPage, onRunnerApi } from '../replies.ts';
import { usualEntry } from '../runner-config.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';

const NO_NAME = 'F/s/n/s/s/s/s';
const NO_PORT = 'o/F/n/s/s/s/s';
const WITH_PROXY = { HTTPS_PROXY: 'http://proxy.test:3128' };

function forgetTokens({ gitlab, entries }: World): void {
  for (const { token } of entries) gitlab.application.tokens.delete(token);
}

export const moreCombinationRows: readonly Row[] = [
  {
    id: 'K-10b',
    title: 'two GitLabs, and each has a fault of its own',
    world: {
      entries: [
        usualEntry({ name: 'one-1' }),
        usualEntry({
          name: 'two-2',
          url: 'https://alias.test:8443/',
          token: 'glrt-twoxxxxxxKanaryKanary',
        }),
      ],
    },
    inject: async (world) => {
      world.names.answer((name, ...rest) =>
        name === 'gitlab.test' ? 'servfail' : usualScript(name, ...rest),
      );
      await world.network.rule('gl', 'input', 'tcp dport 8443 drop');
    },
    expect: {
      cause: 'dns-server-failure',
      also: ['tcp-connect-timeout'],
      severity: 'critical',
      runners: {
        'one-1': { cause: 'dns-server-failure', chain: NO_NAME },
        'two-2': { cause: 'tcp-connect-timeout', chain: NO_PORT },
      },
    },
    mustNot: ['unknown', 'dns-timeout'],
  },
  {
    id: 'K-10c',
    title: 'the proxy is dead, and GitLab has forgotten the token',
    world: {
      environment: WITH_PROXY,
      before: async (world) => world.adopt(await startProxy(OPEN_PROXY)),
    },
    inject: async (world) => {
      forgetTokens(world);
      await world.release();
    },
    expect: { cause: 'proxy-unreachable', severity: 'critical', chain: 'o/F/Fs/s/s/s/s' },
    mustNot: ['token-rejected', 'tcp-connection-refused', 'unknown'],
  },
  {
    id: 'K-16b',
    title: 'runnerwatch is restarted in the middle of an outage',
    inject: async (world) => {
      await world.gitlab.stop();
      await delay(12_000);
      await world.daemon.stop();
      await world.startDaemon();
    },
    expect: { cause: 'tcp-connection-refused', severity: 'critical', chain: NO_PORT },
    mustNot: ['unknown'],
    ends: async (world) => {
      const found = await incidentsOf(world, 'tcp-connection-refused');
      return found.length === 1 ? undefined : `there are ${found.length} incidents`;
    },
  },
  {
    id: 'K-16c',
    title: 'GitLab boots: 502, then refusals of the runner, then it is fine',
    inject: ({ answers }) => {
      answers(everywhere(nginxPage(502, '502 Bad Gateway')));
      void delay(20_000)
        .then(() => answers(onRunnerApi(gitlabError(403, '403 Forbidden'))))
        .then(async () => await delay(20_000))
        .then(() => answers(() => undefined));
    },
    expect: { cause: 'gitlab-booting', severity: 'warning' },
    mustNot: ['gitlab-bad-gateway', 'token-rejected'],
    recover: async () => await delay(40_000),
    isIntermittent: true,
  },
];
