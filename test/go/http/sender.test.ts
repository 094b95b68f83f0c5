import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';

import { describe, expect, test } from 'vitest';

import { systemClock } from '../../../src/core/clock.ts';
import type { HttpAnswer, HttpRequest } from '../../../src/core/probe.ts';
import type { HttpPath } from '../../../src/go/http/sender.ts';
import { createSender } from '../../../src/go/http/sender.ts';
import type { ScriptedReply, Script } from '../../support/http-server.ts';
import { reply, startHttpServer } from '../../support/http-server.ts';
import { patient } from '../../support/until.ts';

const GET: HttpRequest = { method: 'GET', path: 'a', timeoutSeconds: 5 };
const POST: HttpRequest = { method: 'POST', path: 'b', body: '{}', timeoutSeconds: 5 };

async function dial(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  socket.on('error', () => {});
  return socket;
}

async function pathTo(port: number, over: Partial<HttpPath> = {}): Promise<HttpPath> {
  const base = new URL(`http://127.0.0.1:${port}/root/`);
  return { socket: await dial(port), open: () => dial(port), base, clock: systemClock, ...over };
}

type Outcome = HttpAnswer | { readonly fault: string; readonly message: string };

/** Sends these one after the other; returns the outcomes and what the server saw. */
async function send(script: Script, requests: readonly HttpRequest[] = [GET]) {
  await using server = await startHttpServer(script);
  const sender = createSender(await pathTo(server.port));
  const outcomes: Outcome[] = [];
  for (const request of requests) {
    outcomes.push(await sender(request, patient()).catch((error) => error));
  }
  return { outcomes, requests: [...server.requests] };
}

async function one(answer: ScriptedReply): Promise<Outcome | undefined> {
  const { outcomes } = await send(() => answer);
  return outcomes[0];
}

describe('what is sent', () => {
  test('a GET below the base, with the name of this program', async () => {
    const { requests } = await send(() => reply(200));
    expect(requests[0]).toMatchObject({ method: 'GET', path: '/root/a', body: '' });
    expect(requests[0]?.head).toMatch(/\r\nUser-Agent: runnerwatch\/\d/);
    expect(requests[0]?.head).not.toMatch(/proxy-authorization|content-type/i);
  });

  test('a POST with its body as JSON', async () => {
    const { requests } = await send(() => reply(200), [POST]);
    expect(requests[0]).toMatchObject({ method: 'POST', path: '/root/b', body: '{}' });
    expect(requests[0]?.head).toMatch(/\r\nContent-Type: application\/json\r\nContent-Length: 2$/);
  });

  test('the whole URL and the authorization for a proxy', async () => {
    await using server = await startHttpServer(() => reply(200));
    const base = new URL('http://gitlab.test/');
    const path = await pathTo(server.port, { base, absolute: { authorization: 'Basic eA==' } });
    await createSender(path)(GET, patient());

    expect(server.requests[0]?.path).toBe('http://gitlab.test/a');
    expect(server.requests[0]?.head).toContain('\r\nProxy-Authorization: Basic eA==');
    expect(server.requests[0]?.head).toContain('\r\nHost: gitlab.test\r\n');
  });
});

const old = (socket: Socket): void => void socket.end('HTTP/1.0 200 OK\r\n\r\nok');

describe('what Go reads is read', () => {
  const head = 'HTTP/1.1 200 OK\r\n';
  test.each<[string, string, string]>([
    [
      'headers of 200 KB',
      `${head}X-Long: ${'x'.repeat(200_000)}\r\nContent-Length: 2\r\n\r\nok`,
      'ok',
    ],
    ['chunks', `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, 'ok'],
    [
      'an interim answer before it',
      `HTTP/1.1 103 Early Hints\r\n\r\n${head}Content-Length: 2\r\n\r\nok`,
      'ok',
    ],
    ['a status line without a reason phrase', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', 'ok'],
    ['no body at all', 'HTTP/1.1 204 No Content\r\n\r\n', ''],
  ])('%s', async (_what, answer, body) => {
    expect(await one(answer)).toMatchObject({ body, seconds: expect.any(Number) });
  });

  test('HTTP/1.0, whose body ends with the connection', async () => {
    const { outcomes, requests } = await send(() => old, [GET, GET]);
    expect(outcomes).toMatchObject([{ body: 'ok' }, { body: 'ok' }]);
    expect(requests.map(({ connection }) => connection)).toEqual([0, 1]);
  });

  test('of repeated headers the first one counts, names are in lower case', async () => {
    expect(
      await one('HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n'),
    ).toMatchObject({
      headers: { 'x-a': '1' },
    });
  });

  test('a redirect is returned, not followed', async () => {
    const { outcomes, requests } = await send(() =>
      reply(302, '', { headers: { Location: '/b' } }),
    );
    expect(outcomes).toMatchObject([{ status: 302, headers: { location: '/b' } }]);
    expect(requests).toHaveLength(1);
  });
});

test('of a large body the first 64 KiB are kept, and the next request has a connection of its own', async () => {
  const { outcomes, requests } = await send(() => reply(200, 'x'.repeat(300_000)), [GET, GET]);
  expect(outcomes.map((outcome) => ('body' in outcome ? outcome.body.length : outcome))).toEqual([
    65_536, 65_536,
  ]);
  expect(requests.map(({ connection }) => connection)).toEqual([0, 1]);
});

describe('an end without a complete answer', () => {
  test.each<[string, string, ScriptedReply]>([
    ['closed', 'an end', (socket) => socket.end()],
    ['reset', 'a reset', (socket) => socket.resetAndDestroy()],
    ['closed', 'half a head', (socket) => socket.end('HTTP/1.1 200 OK\r\nX-')],
    [
      'cut',
      'half a body',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
    ],
    ['malformed', 'garbled chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    ['not-http', 'another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['http2-only', 'a frame of HTTP/2', '\0\0\u0018\u0004\0\0\0\0\0'],
    ['malformed', 'headers without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(11_000_000)}`],
    ['malformed', 'a redirect to what is no URL', reply(302, '', { headers: { Location: ':b' } })],
  ])('%s: %s', async (fault, _what, answer) => {
    const outcome = await one(answer);
    expect(outcome).toMatchObject({ name: 'ExchangeError', fault });
  });

  test('headers, a little of the body, and then a reset', async () => {
    const server = createServer((request, response) => {
      response.writeHead(200, { 'Content-Length': '9' });
      response.write('half', () => setImmediate(() => request.socket.resetAndDestroy()));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const path = await pathTo((server.address() as AddressInfo).port);
    const outcome = createSender(path)(GET, patient());
    await expect(outcome).rejects.toMatchObject({ fault: 'cut' });
    server.close();
  });

  test('no message quotes what came', async () => {
    for (const bytes of ['glrt-canary\r\n\r\n', 'HTTP/1.1 200 OK\r\nglrt-canary\r\n\r\n']) {
      const outcome = await one((socket) => void socket.end(bytes));
      expect(
        JSON.stringify([outcome, outcome instanceof Error ? outcome.message : '']),
      ).not.toContain('canary');
    }
  });
});
