import { expect, test } from 'vitest';

import { deadlineOf } from '../../../src/core/abort.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { sendQuery } from '../../../src/go/dns/query.ts';
import { setClock } from '../../support/clock.ts';
import { startDnsServer } from '../../support/dns-server.ts';
import { patient } from '../../support/until.ts';

const QUESTION = { name: 'gitlab.test', server: '127.0.0.1', type: 'A' } as const;

test('a question over IPv6 is answered', async () => {
  await using server = await startDnsServer(() => ['10.0.0.5'], '::1');
  const question = { ...QUESTION, server: '::1', port: server.port, timeoutSeconds: 5 };
  const clock = setClock();
  expect(await sendQuery(question, clock, patient())).toEqual({
    name: 'gitlab.test',
    server: '::1',
    type: 'A',
    transport: 'udp',
    outcome: 'answer',
    addresses: ['10.0.0.5'],
    seconds: 0,
  });
});

test('a deadline that has passed is a timeout, and no server is asked', async () => {
  await using server = await startDnsServer(() => ['10.0.0.5']);
  using deadline = deadlineOf(0);
  await new Promise((resolve) => {
    deadline.signal.addEventListener('abort', resolve);
  });
  const question = { ...QUESTION, port: server.port, timeoutSeconds: 5 };
  const query = await sendQuery(question, systemClock, deadline.signal);
  expect([query.outcome, server.asked]).toEqual(['timeout', []]);
});

test('a deadline that passes between UDP and TCP is a timeout too', async () => {
  using deadline = deadlineOf(0.3);
  await using server = await startDnsServer((_name, _type, transport) =>
    transport === 'udp' ? 'truncated' : 'silent',
  );
  const question = { ...QUESTION, port: server.port, timeoutSeconds: 5 };
  const query = await sendQuery(question, systemClock, deadline.signal);
  expect([query.transport, query.outcome]).toEqual(['tcp', 'timeout']);
});

test('an answer that came in time is read by a process that gets no core until the deadline is over', async () => {
  const hasReplied = Promise.withResolvers<void>();
  await using server = await startDnsServer(() => {
    setImmediate(hasReplied.resolve);
    return ['10.0.0.5'];
  });
  const question = { ...QUESTION, port: server.port, timeoutSeconds: 1 };
  const sent = sendQuery(question, systemClock, patient());
  await hasReplied.promise;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
  const { outcome, addresses } = await sent;
  expect([outcome, addresses]).toEqual(['answer', ['10.0.0.5']]);
});

test('a server that closes the connection without an answer is malformed', async () => {
  await using server = await startDnsServer(() => 'close');
  const question = { ...QUESTION, port: server.port, timeoutSeconds: 5, useTcp: true };
  const query = await sendQuery(question, systemClock, patient());
  expect([query.transport, query.outcome]).toEqual(['tcp', 'malformed']);
});
