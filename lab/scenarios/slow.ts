/** Slow, and not silent: what takes longer than a check waits and shorter than the runner waits. */
import { createServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { GOOD } from '../peers/pki.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';

const USUAL_LIMITS = {
  http: 'slow_seconds = 5',
  tls: 'slow_seconds = 5',
  api: 'interval_seconds = 900',
  token: 'interval_seconds = 900',
};

/** GitLab takes each connection, and answers the first message of TLS that late. */
async function lateHandshake({ gitlab }: World, milliseconds: number): Promise<void> {
  const tls = { cert: GOOD.certificatePem, key: GOOD.privateKeyPem };
  await gitlab.replace(() => {
    const secure = createServer(tls, gitlab.application.listener);
    secure.on('tlsClientError', () => {});
    return createTcpServer((socket) => {
      socket.on('error', () => {});
      void delay(milliseconds).then(() => secure.emit('connection', socket));
    });
  });
}

export const slowRows: readonly Row[] = [
  {
    id: 'S-01',
    title: 'every answer comes after eleven seconds',
    world: { probes: USUAL_LIMITS },
    inject: ({ answers }) =>
      answers(async () => {
        await delay(11_000);
        return undefined;
      }),
    expect: { cause: 'gitlab-slow', severity: 'notice', chain: 'o/o/n/o/d/o/o' },
    mustNot: ['gitlab-not-responding', 'unknown'],
  },
  {
    id: 'S-02',
    title: 'the handshake takes eight seconds, which the runner waits for',
    world: { probes: USUAL_LIMITS },
    inject: (world) => lateHandshake(world, 8000),
    expect: { cause: 'gitlab-slow', severity: 'notice', chain: 'o/o/n/d/o/o/o', says: /handshake/ },
    mustNot: ['tls-handshake-blocked', 'gitlab-not-responding', 'unknown'],
  },
  {
    id: 'S-03',
    title: 'the handshake takes twelve seconds, and the runner gives up after ten',
    inject: (world) => lateHandshake(world, 12_000),
    expect: {
      cause: 'gitlab-slow',
      severity: 'critical',
      chain: 'o/o/n/F/s/s/s',
      says: /gives up after 10 s/,
    },
    runnerLogs: /TLS handshake timeout/,
    mustNot: ['tls-handshake-blocked', 'gitlab-not-responding', 'unknown'],
  },
];
