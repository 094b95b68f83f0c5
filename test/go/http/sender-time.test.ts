/** The exchange against the clock, and on connections that have been used before. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';

import { describe, expect, test } from 'vitest';

import { systemClock } from '../../../src/core/clock.ts';
import type { HttpRequest } from '../../../src/core/probe.ts';
import type { Send } from '../../../src/core/exchange-error.ts';
import { createSender } from '../../../src/go/http/sender.ts';
import { reply, startHttpServer } from '../../support/http-server.ts';

const GET: HttpRequest = { method: 'GET', path: 'a', timeoutSeconds: 5 };
const POST: HttpRequest = { method: 'POST', path: 'b', body: '{}', timeoutSeconds: 5 };
const never = (): AbortSignal => new AbortController().signal;

async function dial(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  socket.on('error', () => {});
  return socket;
}

type Open = (signal: AbortSignal) => Promise<Socket>;

async function senderTo(port: number, open: Open = () => dial(port)): Promise<Send> {
  const base = new URL(`http://127.0.0.1:${port}/`);
  return createSender({ socket: await dial(port), open, base, clock: systemClock });
}

describe('the deadline of a request', () => {
  test.each<[string, (socket: Socket) => void]>([
    ['no-answer', () => {}],
    ['no-answer', (socket) => void socket.write('HTTP/1.1 200 OK\r\nX-')],
    ['slow-body', (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1')],
  ])('%s', async (fault, act) => {
    await using server = await startHttpServer(() => act);
    const send = await senderTo(server.port);
    await expect(send({ ...GET, timeoutSeconds: 0.2 }, never())).rejects.toMatchObject({
      fault,
      message: 'no complete response within 0.2 s',
    });
  });

  test('ends a body that dribbles, however steadily', async () => {
    await using server = await startHttpServer(() => (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');
      const timer = setInterval(() => socket.write('x'), 10);
      socket.on('close', () => clearInterval(timer));
    });
    const send = await senderTo(server.port);
    await expect(send({ ...GET, timeoutSeconds: 0.3 }, never())).rejects.toMatchObject({
      fault: 'slow-body',
    });
    await expect.poll(() => server.openCount()).toBe(0);
  });

  test('ends with the signal of the caller, also one that is over already', async () => {
    await using server = await startHttpServer(() => () => {});
    const send = await senderTo(server.port);
    await expect(send(GET, AbortSignal.abort())).rejects.toMatchObject({ fault: 'no-answer' });
  });

  test('covers the opening of the connection', async () => {
    await using server = await startHttpServer(() =>
      reply(200, '', { headers: { Connection: 'close' } }),
    );
    const send = await senderTo(server.port, async (signal) => {
      await once(signal, 'abort');
      throw new Error('too late');
    });
    await send(GET, never());
    await expect(send({ ...GET, timeoutSeconds: 0.1 }, never())).rejects.toMatchObject({
      fault: 'no-answer',
    });
  });
});

describe('one connection', () => {
  test('carries one request after the other', async () => {
    await using server = await startHttpServer(() => reply(200, 'ok'));
    const send = await senderTo(server.port);
    for (const request of [GET, POST, GET]) await send(request, never());
    expect(server.requests.map(({ connection }) => connection)).toEqual([0, 0, 0]);
  });

  test.each(['close', 'Close', 'CLOSE'])(
    'is not used again after "Connection: %s"',
    async (word) => {
      await using server = await startHttpServer(() =>
        reply(200, '', { headers: { Connection: word } }),
      );
      const send = await senderTo(server.port);
      for (const request of [GET, POST]) await send(request, never());
      expect(server.requests.map(({ connection }) => connection)).toEqual([0, 1]);
    },
  );

  test('that ended while it was idle is no fault of the server', async () => {
    let count = 0;
    await using server = await startHttpServer(() => {
      count += 1;
      return count === 2 ? (socket) => void socket.destroy() : reply(200, 'ok');
    });
    const send = await senderTo(server.port);
    await send(GET, never());
    expect(await send(GET, never())).toMatchObject({ body: 'ok' });
    expect(server.requests.map(({ connection }) => connection)).toEqual([0, 0, 1]);
  });

  test('that ends under a POST is a fault, since the server may have acted', async () => {
    await using server = await startHttpServer(({ method }) =>
      method === 'POST' ? (socket) => void socket.destroy() : reply(200, 'ok'),
    );
    const send = await senderTo(server.port);
    await send(GET, never());
    await expect(send(POST, never())).rejects.toMatchObject({ fault: 'closed' });
    expect(server.requests).toHaveLength(2);
  });

  test('a fresh connection that ends is asked no second time', async () => {
    await using server = await startHttpServer(() => (socket) => void socket.destroy());
    const send = await senderTo(server.port);
    await expect(send(GET, never())).rejects.toMatchObject({ fault: 'closed' });
    expect(server.requests).toHaveLength(1);
  });

  test('that cannot be opened again is closed', async () => {
    await using server = await startHttpServer(() =>
      reply(200, '', { headers: { Connection: 'close' } }),
    );
    const send = await senderTo(server.port, () => Promise.reject(new Error('glrt-canary')));
    await send(GET, never());
    await expect(send(GET, never())).rejects.toMatchObject({
      fault: 'closed',
      message: 'the server closed the connection, and reconnecting failed',
    });
  });
});
