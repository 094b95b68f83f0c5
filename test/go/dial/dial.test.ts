import { setImmediate } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import { systemClock } from '../../../src/core/clock.ts';
import type { Address } from '../../../src/core/probe.ts';
import type { DialResult } from '../../../src/go/dial/dial.ts';
import { dialLikeGo } from '../../../src/go/dial/dial.ts';
import { closedPort, startDeafServer, startTcpServer } from '../../support/tcp-server.ts';
import { patient } from '../../support/until.ts';

const FOUR: Address = { address: '127.0.0.1', family: 4 };
const OTHER_FOUR: Address = { address: '127.0.0.2', family: 4 };
const SIX: Address = { address: '::1', family: 6 };

async function dial(
  addresses: readonly Address[],
  port: number,
  timeoutSeconds = 5,
  signal: AbortSignal = patient(),
): Promise<DialResult> {
  return await dialLikeGo(addresses, port, { clock: systemClock, signal, timeoutSeconds });
}

/** `127.0.0.1 ok`, in the order in which they are handed on. */
function outcomes({ attempts }: DialResult): readonly string[] {
  return attempts.map(({ address, outcome }) => `${address.address} ${outcome}`);
}

/** Once what was destroyed is also closed, which takes a turn of the event loop. */
async function openSockets(): Promise<number> {
  await setImmediate();
  await setImmediate();
  return process.getActiveResourcesInfo().filter((name) => name.startsWith('TCPSocket')).length;
}

test('the first address that answers gives the socket', async () => {
  await using server = await startTcpServer();
  const dialled = await dial([FOUR], server.port);
  expect(dialled).toEqual({
    socket: expect.objectContaining({ remoteAddress: '127.0.0.1', remotePort: server.port }),
    address: FOUR,
    attempts: [{ address: FOUR, outcome: 'ok', seconds: expect.any(Number) }],
  });
  dialled.socket?.destroy();
});

test('a closed port is refused, and no socket is left', async () => {
  const before = await openSockets();
  const dialled = await dial([FOUR], await closedPort());
  expect([dialled.socket, outcomes(dialled)]).toEqual([undefined, ['127.0.0.1 ECONNREFUSED']]);
  await expect.poll(openSockets).toBe(before);
});

test('a connection that is reset after it was established counts as made', async () => {
  await using server = await startTcpServer((socket) => socket.resetAndDestroy());
  const dials = await Promise.all(Array.from({ length: 20 }, () => dial([FOUR], server.port)));
  for (const { socket } of dials) socket?.destroy();
  expect(new Set(dials.flatMap((one) => outcomes(one)))).toEqual(new Set(['127.0.0.1 ok']));
});

test('addresses of one family are tried one after the other', async () => {
  await using server = await startTcpServer(undefined, '127.0.0.2');
  const dialled = await dial([FOUR, OTHER_FOUR], server.port);
  expect(outcomes(dialled)).toEqual(['127.0.0.1 ECONNREFUSED', '127.0.0.2 ok']);
  expect(dialled.address).toEqual(OTHER_FOUR);
  dialled.socket?.destroy();
});

test('a port that drops ends as a timeout after its share of the time', async () => {
  await using deaf = await startDeafServer();
  const before = await openSockets();
  const dialled = await dial([FOUR], deaf.port, 0.3);
  expect([dialled.socket, outcomes(dialled)]).toEqual([undefined, ['127.0.0.1 timeout']]);
  await expect.poll(openSockets).toBe(before);
});

describe('the other family', () => {
  test('is tried at once when the first has failed', async () => {
    await using server = await startTcpServer(undefined, '::1');
    const dialled = await dial([FOUR, SIX], server.port);
    expect(outcomes(dialled)).toEqual(['127.0.0.1 ECONNREFUSED', '::1 ok']);
    dialled.socket?.destroy();
  });

  test('is tried while the first is silent, which is then abandoned and closed', async () => {
    await using deaf = await startDeafServer();
    await using server = await startTcpServer(undefined, '::1', deaf.port);
    const before = await openSockets();
    const dialled = await dial([FOUR, SIX], server.port);
    expect(outcomes(dialled)).toEqual(['127.0.0.1 abandoned', '::1 ok']);
    dialled.socket?.destroy();
    await expect.poll(openSockets).toBe(before);
  });

  test('is left alone when the first answers', async () => {
    await using server = await startTcpServer();
    await using other = await startTcpServer(undefined, '::1', server.port);
    const dialled = await dial([FOUR, SIX], server.port);
    expect([outcomes(dialled), other.openCount()]).toEqual([['127.0.0.1 ok'], 0]);
    dialled.socket?.destroy();
  });

  test('does not come before the first, even when it failed earlier', async () => {
    await using deaf = await startDeafServer();
    const dialled = await dial([FOUR, SIX], deaf.port, 0.6);
    expect(outcomes(dialled)).toEqual(['127.0.0.1 timeout', '::1 ECONNREFUSED']);
  });

  test('may be the first one', async () => {
    await using deaf = await startDeafServer('::1');
    await using server = await startTcpServer(undefined, '127.0.0.1', deaf.port);
    const dialled = await dial([FOUR, SIX].toReversed(), server.port);
    expect(outcomes(dialled)).toEqual(['::1 abandoned', '127.0.0.1 ok']);
    dialled.socket?.destroy();
  });
});

test('no address and no valid port are results, not errors', async () => {
  expect(await dial([], 443)).toEqual({ socket: undefined, address: undefined, attempts: [] });
  expect(outcomes(await dial([FOUR, SIX], 99_999))).toEqual([
    '127.0.0.1 invalid port',
    '::1 invalid port',
  ]);
});

describe('a stop', () => {
  test('ends a dial in progress and closes what it opened', async () => {
    await using deaf = await startDeafServer();
    const before = await openSockets();
    const stop = new AbortController();
    const dialled = dial([FOUR, SIX], deaf.port, 30, stop.signal);
    stop.abort();
    expect([(await dialled).socket, outcomes(await dialled)]).toEqual([
      undefined,
      ['127.0.0.1 abandoned'],
    ]);
    await expect.poll(openSockets).toBe(before);
  });

  test('that came before dials nothing', async () => {
    await using server = await startTcpServer();
    const dialled = await dial([FOUR], server.port, 5, AbortSignal.abort());
    expect([dialled.socket, dialled.attempts, server.openCount()]).toEqual([undefined, [], 0]);
  });
});

test('a socket that dies after it was handed on does not end the process', async () => {
  await using server = await startTcpServer((peer) =>
    peer.once('data', () => peer.resetAndDestroy()),
  );
  const { socket } = await dial([FOUR], server.port);
  socket?.write('anything');
  await expect.poll(() => socket?.destroyed).toBe(true);
});
