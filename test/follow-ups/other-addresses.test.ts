/** The addresses that the runner does not need now, dialled on loopback. */
import { expect, test } from 'vitest';

import type { FollowUpMemory } from '../../src/checks/follow-up.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { Address, Walk } from '../../src/core/probe.ts';
import { otherAddresses } from '../../src/follow-ups/other-addresses.ts';
import { connect } from '../../src/probes/connect.ts';
import { ENDPOINT } from '../support/probes.ts';
import { followUp } from '../support/run-follow-up.ts';
import { runProbe } from '../support/run-probe.ts';
import { startTcpServer } from '../support/tcp-server.ts';

const ONE: Address = { address: '127.0.0.1', family: 4 };
const TWO: Address = { address: '127.0.0.2', family: 4 };

interface Dialled {
  readonly first: Finding;
  readonly finding: Finding;
}

/** The finding of connect, and what it is after the follow-up. */
async function dial(
  port: number,
  addresses: readonly Address[],
  memory: FollowUpMemory = new Map(),
): Promise<Dialled> {
  const walk: Walk = { addresses };
  const target = { ...ENDPOINT, url: new URL(`https://gitlab.test:${port}/`) };
  const tools = { walk };
  const first = await runProbe(connect, target, { tools });
  walk.socket?.destroy();
  const after = { link: 'connect', finding: first, target, tools, memory };
  return { first, finding: await followUp(otherAddresses, after) };
}

test('with one address there is nothing to dial', async () => {
  await using server = await startTcpServer();
  const { first, finding } = await dial(server.port, [ONE]);

  expect(finding).toEqual(first);
});

test("an address that was dead in the runner's own dial is a warning", async () => {
  await using server = await startTcpServer(undefined, '127.0.0.2');
  const { finding } = await dial(server.port, [ONE, TWO]);

  expect(finding).toMatchObject({
    status: 'warn',
    reason: 'some-addresses-failed',
    detail: expect.stringMatching(
      /^gitlab\.test port \d+: 127\.0\.0\.1 ECONNREFUSED after 0\.\d\d s, 127\.0\.0\.2 ok after/,
    ),
    measures: { connect_seconds: expect.any(Number), failed_addresses: 1 },
    facts: { address: '127.0.0.2' },
  });
});

test('an address that the runner would not need is dialled too', async () => {
  await using server = await startTcpServer();
  const { first, finding } = await dial(server.port, [ONE, TWO]);

  expect(first).toMatchObject({ status: 'pass', measures: { failed_addresses: 0 } });
  expect(finding).toMatchObject({
    status: 'warn',
    reason: 'some-addresses-failed',
    measures: { failed_addresses: 1 },
    facts: {
      address: '127.0.0.1',
      attempts: expect.stringMatching(/^127\.0\.0\.1 ok .*127\.0\.0\.2 ECONNREFUSED/),
    },
  });
});

test('two that answer are dialled again only after a minute, others at once', async () => {
  let dialled = 0;
  const count = (): void => void (dialled += 1);
  await using one = await startTcpServer();
  await using two = await startTcpServer(count, '127.0.0.2', one.port);
  const memory: FollowUpMemory = new Map();
  const { finding } = await dial(one.port, [ONE, TWO], memory);
  await dial(one.port, [ONE, TWO], memory);

  expect(finding).toMatchObject({ status: 'pass', measures: { failed_addresses: 0 } });
  const third = await dial(one.port, [ONE, TWO, { address: '127.0.0.3', family: 4 }], memory);
  expect(third.finding).toMatchObject({ measures: { failed_addresses: 1 } });
  await expect.poll(() => dialled).toBe(2);
  expect(two.port).toBe(one.port);
});
