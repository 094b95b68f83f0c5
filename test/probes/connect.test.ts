import type { Socket } from 'node:net';

import { describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { Address, Walk } from '../../src/core/probe.ts';
import type { EndpointTarget } from '../../src/core/target.ts';
import { dataWith } from '../../src/core/finding-data.ts';
import { ATTEMPTS, dialFaultOf } from '../../src/go/dial/dial-judgement.ts';
import { connect } from '../../src/probes/connect.ts';
import { proxyAt } from '../support/connect-proxy.ts';
import { ENDPOINT } from '../support/probes.ts';
import { runProbe } from '../support/run-probe.ts';
import { closedPort, startDeafServer, startTcpServer } from '../support/tcp-server.ts';
import { patient } from '../support/until.ts';

const FOUR: Address = { address: '127.0.0.1', family: 4 };
const OTHER_FOUR: Address = { address: '127.0.0.2', family: 4 };
const SIX: Address = { address: '::1', family: 6 };

function targetAt(port: number): EndpointTarget {
  return { ...ENDPOINT, url: new URL(`https://gitlab.test:${port}/`) };
}

interface Dialled extends Disposable {
  readonly finding: Finding;
  readonly walk: Walk;
}

async function dial(target: EndpointTarget, addresses: readonly Address[]): Promise<Dialled> {
  const walk: Walk = { addresses };
  const finding = await runProbe(connect, target, { tools: { walk, signal: patient() } });
  return { finding, walk, [Symbol.dispose]: () => walk.socket?.destroy() };
}

test('an open port passes, and the walk gets the socket', async () => {
  await using server = await startTcpServer();
  using dialled = await dial(targetAt(server.port), [FOUR]);
  expect(dialled.finding).toEqual({
    status: 'pass',
    measures: { connect_seconds: expect.any(Number), failed_addresses: 0 },
    facts: {
      host: 'gitlab.test',
      port: server.port,
      of: 'gitlab',
      attempts: expect.stringMatching(/^127\.0\.0\.1 ok after \d\.\d\d s$/),
      address: '127.0.0.1',
    },
    data: dataWith(ATTEMPTS, [{ address: FOUR, outcome: 'ok', seconds: expect.any(Number) }]),
  });
  expect(dialled.walk.socket?.remotePort).toBe(server.port);
});

test('the walk can open the same connection once more', async () => {
  await using server = await startTcpServer();
  using dialled = await dial(targetAt(server.port), [FOUR]);
  const again: Socket | undefined = await dialled.walk.open?.(patient());
  await expect.poll(() => server.openCount()).toBe(2);
  again?.destroy();
});

test('a path that is gone is an error when it is opened once more', async () => {
  await using server = await startTcpServer();
  using dialled = await dial(targetAt(server.port), [FOUR]);
  await server[Symbol.asyncDispose]();
  const again = dialled.walk.open?.(patient());
  await expect(again).rejects.toThrow('cannot reconnect to 127.0.0.1');
});

test('through a proxy its port is dialled', async () => {
  await using server = await startTcpServer();
  const proxy = proxyAt(server.port, { host: 'proxy.test' });
  using dialled = await dial({ ...ENDPOINT, proxy }, [FOUR]);
  expect(dialled.finding).toMatchObject({
    status: 'pass',
    facts: { host: 'proxy.test', port: server.port, of: 'proxy' },
  });
});

test('a closed port is refused', async () => {
  const port = await closedPort();
  using dialled = await dial(targetAt(port), [FOUR]);
  expect(dialled.finding).toEqual({
    status: 'fail',
    reason: 'refused',
    detail: expect.stringMatching(
      new RegExp(`^gitlab\\.test port ${port}: 127\\.0\\.0\\.1 ECONNREFUSED after 0\\.\\d\\d s$`),
    ),
    measures: { connect_seconds: expect.any(Number), failed_addresses: 1 },
    facts: {
      host: 'gitlab.test',
      port,
      of: 'gitlab',
      attempts: expect.any(String),
      address: '127.0.0.1',
    },
    data: dataWith(ATTEMPTS, [
      { address: FOUR, outcome: 'ECONNREFUSED', seconds: expect.any(Number) },
    ]),
  });
  expect(dialled.walk.socket).toBeUndefined();
  expect(dialled.walk.attempts).toMatchObject([{ address: FOUR, outcome: 'ECONNREFUSED' }]);
});

test('a port that drops is a timeout, with any answer of the other family', async () => {
  await using deaf = await startDeafServer();
  using dialled = await dial(targetAt(deaf.port), [FOUR, SIX]);
  expect(dialled.finding).toMatchObject({
    status: 'fail',
    reason: 'timeout',
    detail: expect.stringMatching(/127\.0\.0\.1 timeout after \d+\.\d\d s, ::1 ECONNREFUSED/),
    facts: { address: '127.0.0.1' },
  });
});

test('an address that is dead beside one that lives is counted, and the path is open', async () => {
  await using server = await startTcpServer(undefined, '127.0.0.2');
  using dialled = await dial(targetAt(server.port), [FOUR, OTHER_FOUR]);
  expect(dialled.finding).toMatchObject({
    status: 'pass',
    measures: { failed_addresses: 1 },
    facts: { address: '127.0.0.2' },
  });
  expect(dialled.walk.socket?.remoteAddress).toBe('127.0.0.2');
});

test('without an address the result is unknown', async () => {
  using dialled = await dial(ENDPOINT, []);
  expect(dialled.finding).toMatchObject({
    status: 'unknown',
    reason: 'connect-error',
    detail: 'gitlab.test port 443: no address to dial',
  });
});

test('a port that does not exist is a fault of the value', async () => {
  using dialled = await dial({ ...ENDPOINT, proxy: proxyAt(70_000) }, [FOUR]);

  expect(dialled.finding).toMatchObject({ status: 'fail', reason: 'invalid-port' });
});

test('without an address of the family there is no path, however many ports are free', () => {
  const attempt = { address: SIX, outcome: 'EADDRNOTAVAIL', seconds: 0 };
  expect(dialFaultOf(attempt, new Set([4]))).toBe('no-route');
  expect(dialFaultOf(attempt, new Set([4, 6]))).toBe('no-local-port');
});

describe('an errno becomes a reason', () => {
  test.each([
    ['ECONNREFUSED', 0, 'refused'],
    ['timeout', 5, 'timeout'],
    ['ETIMEDOUT', 5, 'timeout'],
    ['EHOSTUNREACH', 0.03, 'prohibited'],
    ['EHOSTUNREACH', 3.1, 'host-unreachable'],
    ['EACCES', 0, 'prohibited'],
    ['EPERM', 0, 'prohibited'],
    ['ENETUNREACH', 0, 'no-route'],
    ['ENETDOWN', 0, 'no-route'],
    ['EADDRNOTAVAIL', 0, 'no-local-port'],
    ['EMFILE', 0, 'too-many-files'],
    ['ENFILE', 0, 'too-many-files'],
    ['EPROTO', 0, 'connect-error'],
    ['invalid port', 0, 'invalid-port'],
    ['EINVAL', 0, 'no-route'],
  ])('%s after %d s is %s', (outcome, seconds, reason) => {
    expect(dialFaultOf({ address: FOUR, outcome, seconds })).toBe(reason);
  });
});
