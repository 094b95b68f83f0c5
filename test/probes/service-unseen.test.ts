/** A runner in another container, whose processes are not visible: its metrics say whether it lives. */
import { expect, test } from 'vitest';

import { RESTART_SECONDS } from '../../src/core/absences.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import type { Finding } from '../../src/core/finding.ts';
import { reasonOf } from '../../src/core/finding.ts';
import { placeUnseen } from '../../src/host/place/in-pod.ts';
import { createService } from '../../src/probes/service.ts';
import { setClock } from '../support/clock.ts';
import { page, startCounterServer } from '../support/runner-counters.ts';
import { runProbe } from '../support/run-probe.ts';

const PLACE = placeUnseen(
  { kind: 'pod', pod: { name: 'gitlab-runner-7d9f8b6c5d-x2x4z', isOfChart: true } },
  {
    configPath: '/home/gitlab-runner/.gitlab-runner/config.toml',
    paths: HOST_PATHS,
    services: { host: { hasSystemd: false }, engines: { hasPodmanUnit: false } },
  },
);

/** A service check of its own, and a look at it. */
function looker() {
  const probe = createService();
  const clock = setClock(0);
  return {
    clock,
    look: async (port?: number): Promise<Finding> => {
      const metrics = port === undefined ? {} : { metrics: { host: '127.0.0.1', port } };
      const target = { kind: 'service', id: PLACE.id, ...metrics } as const;
      return await runProbe(probe, target, { tools: { place: PLACE, clock } });
    },
  };
}

test('its metrics prove that its process lives', async () => {
  await using server = await startCounterServer(page({ startedSeconds: 1234 }));
  const finding = await looker().look(server.port);
  expect(finding).toMatchObject({
    status: 'pass',
    measures: { started_timestamp_seconds: 1234 },
  });
});

test('without metrics nothing is known of it', async () => {
  const finding = await looker().look();
  expect([finding.status, reasonOf(finding)]).toEqual(['unknown', 'unseen']);
});

test('metrics that have never answered prove nothing', async () => {
  const { look } = looker();
  const port = await closedPort();
  expect(reasonOf(await look(port))).toBe('unseen');
});

test('another program at its address proves nothing', async () => {
  await using server = await startCounterServer(page({}));
  server.answer = (response) => void response.end('up 1\n');
  expect(reasonOf(await looker().look(server.port))).toBe('unseen');
});

test('once they have answered and refuse connections, it has ended, unless it only restarts', async () => {
  const { look, clock } = looker();
  const port = await answered(look);
  const first = await look(port);
  clock.advance(RESTART_SECONDS + 1);
  const second = await look(port);
  expect([first, second].map((one) => reasonOf(one))).toEqual(['restarting', 'not-running']);
});

test('a connection that ends without an answer is no proof of an end', async () => {
  const { look } = looker();
  await using server = await startCounterServer(page({}));
  await look(server.port);
  server.answer = (response) => void response.socket?.resetAndDestroy();
  expect(reasonOf(await look(server.port))).toBe('unseen');
});

test('five restarts by a person, minutes apart, are no loop; five within seconds are one', async () => {
  const seen = [];
  for (const pauseSeconds of [90, 15]) {
    const { look, clock } = looker();
    await using server = await startCounterServer(page({}));
    let finding: Finding | undefined;
    for (let start = 1; start <= 5; start += 1) {
      server.answer = page({ startedSeconds: start });
      finding = await look(server.port);
      clock.advance(pauseSeconds);
      finding = await look(server.port);
      clock.advance(1);
    }
    seen.push(finding?.status);
  }
  expect(seen).toEqual(['pass', 'fail']);
});

async function closedPort(): Promise<number> {
  const server = await startCounterServer(page({}));
  const { port } = server;
  await server[Symbol.asyncDispose]();
  return port;
}

/** The port of one that answers once. */
async function answered(look: (port: number) => Promise<Finding>): Promise<number> {
  await using server = await startCounterServer(page({}));
  await look(server.port);
  return server.port;
}
