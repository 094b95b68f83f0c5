/** Listeners and limits on real sockets: addresses, stale files, ports in use, and clients that misbehave. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { defaultSettings } from '../../src/config/settings/settings.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Daemon } from '../../src/daemon.ts';
import { createLog } from '../../src/log.ts';
import { createExporter } from '../../src/metrics/exporter.ts';
import type { ListeningServer } from '../../src/server/listen.ts';
import { listenAll, parseListenAddress } from '../../src/server/listen.ts';
import { buildServer } from '../../src/server.ts';
import { sendRequest, sendBytes } from '../support/http-client.ts';
import { probe } from '../support/probes.ts';
import { closedPort, startTcpServer } from '../support/tcp-server.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runnerwatch-listen-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A daemon whose only probe never ends. */
async function createHungApp(): Promise<
  { app: FastifyInstance; runs: () => number } & AsyncDisposable
> {
  let runs = 0;
  const hung = probe({
    id: 'hung',
    timeoutSeconds: 300,
    run: async () => {
      runs += 1;
      return await new Promise(() => {});
    },
  });
  const daemon = new Daemon({
    probes: [hung],
    settings: { ...defaultSettings([hung]), runnerConfig: '/config.toml' },
    loadSettings: async () => ({ settings: undefined, problems: [] }),
    paths: { rootfs: folder, procfs: folder, sysfs: folder },
    clock: systemClock,
    log: createLog({ level: 'error', format: 'json', sink: { write: () => {} } }),
  });
  const exporter = createExporter([hung]);
  const render = exporter.render.bind(exporter);
  const app = buildServer({ read: () => daemon.view(), render });
  await daemon.start();
  return { app, runs: () => runs, [Symbol.asyncDispose]: async () => await daemon.stop() };
}

async function startListening(
  ...addresses: readonly string[]
): Promise<ListeningServer & AsyncDisposable> {
  const hung = await createHungApp();
  const end = async (): Promise<void> => await hung[Symbol.asyncDispose]();
  try {
    const made = await listenAll(hung.app, addresses);
    const dispose = async (): Promise<void> => {
      await made.close();
      await end();
    };
    return { ...made, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await end();
    throw error;
  }
}

describe('addresses', () => {
  test.each([
    ['127.0.0.1:80', { port: 80, host: '127.0.0.1' }],
    ['localhost:0', { port: 0, host: 'localhost' }],
    ['[::1]:9', { port: 9, host: '::1' }],
    [':19252', { port: 19_252 }],
    ['unix:/run/rw.sock', { path: '/run/rw.sock' }],
  ])('%s is understood', (address, options) => {
    expect(parseListenAddress(address)).toEqual(options);
  });

  test.each(['19252', '127.0.0.1', '::1:80', '127.0.0.1:65536', 'unix:rw.sock', 'a b:x', ''])(
    '"%s" is refused in one sentence',
    async (address) => {
      await expect(startListening(address)).rejects.toThrow(
        `invalid address "${address}"; expected host:port, [::1]:port, :port or unix:/path`,
      );
    },
  );

  test('several are served at once, and shown as they can be typed', async () => {
    const socketPath = join(folder, 'several.sock');
    await using served = await startListening('127.0.0.1:0', '[::1]:0', ':0', `unix:${socketPath}`);

    const [v4 = '', v6 = '', any = '', unix] = served.addresses;
    expect(v4).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(v6).toMatch(/^http:\/\/\[::1\]:\d+$/);
    expect(any).toMatch(/^http:\/\/\[::\]:\d+$/);
    expect(unix).toBe(`unix:${socketPath}`);
    const port = new URL(any).port;
    const replies = await Promise.all([
      sendRequest(`${v4}/-/healthy`),
      sendRequest(`${v6}/-/healthy`),
      sendRequest(`http://127.0.0.1:${port}/-/healthy`),
      sendRequest('http://unix/-/healthy', { socketPath }),
    ]);
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  test('the socket file is gone after the end', async () => {
    const socketPath = join(folder, 'gone.sock');
    const served = await startListening(`unix:${socketPath}`);
    expect(existsSync(socketPath)).toBe(true);

    await served[Symbol.asyncDispose]();

    expect(existsSync(socketPath)).toBe(false);
  });

  test('a socket file that a run left behind is replaced', async () => {
    const path = join(folder, 'stale.sock');
    const left = createServer().listen(path);
    await once(left, 'listening');
    // Under another name it survives the end of its server, as after a crash.
    const kept = join(folder, 'kept.sock');
    await rename(path, kept);
    left.close();
    await once(left, 'close');

    await using served = await startListening(`unix:${kept}`);

    expect(served.addresses).toEqual([`unix:${kept}`]);
    expect((await sendRequest('http://unix/-/healthy', { socketPath: kept })).status).toBe(200);
  });

  test('a socket on which a process listens is kept', async () => {
    const path = join(folder, 'busy.sock');
    await using first = await startListening(`unix:${path}`);

    await expect(startListening(`unix:${path}`)).rejects.toThrow(
      `cannot listen on unix:${path}: another program, or another runnerwatch, uses it (EADDRINUSE)`,
    );
    expect((await sendRequest('http://unix/-/healthy', { socketPath: path })).status).toBe(200);
    expect(first.addresses).toEqual([`unix:${path}`]);
  });

  test('a file that is no socket is never removed', async () => {
    const path = join(folder, 'precious.txt');
    await writeFile(path, 'precious');

    await expect(startListening(`unix:${path}`)).rejects.toThrow('EADDRINUSE');
    expect(await readFile(path, 'utf8')).toBe('precious');
  });

  test('a port in use is one sentence, and what was opened before it is closed again', async () => {
    await using taken = await startTcpServer();
    const free = await closedPort();

    await expect(startListening(`127.0.0.1:${free}`, `127.0.0.1:${taken.port}`)).rejects.toThrow(
      `cannot listen on 127.0.0.1:${taken.port}: another program, or another runnerwatch, uses it (EADDRINUSE)`,
    );
    await using again = await startListening(`127.0.0.1:${free}`);
    expect(again.addresses).toEqual([`http://127.0.0.1:${free}`]);
  });

  test('an address of another host is one sentence', async () => {
    await expect(startListening('192.0.2.1:0')).rejects.toThrow(
      'cannot listen on 192.0.2.1:0: this host does not have this address (EADDRNOTAVAIL)',
    );
  });

  test('a folder that does not exist is one sentence', async () => {
    await expect(startListening('unix:/nowhere/rw.sock')).rejects.toThrow(
      'cannot listen on unix:/nowhere/rw.sock: its directory does not exist or is not writable (EACCES)',
    );
  });
});

describe('readers never probe', () => {
  test('scrapes are answered while the only probe hangs, and start none', async () => {
    await using hung = await createHungApp();
    const served = await listenAll(hung.app, ['127.0.0.1:0']);
    const [address = ''] = served.addresses;

    const paths = ['/metrics', '/health', '/', '/api/v1/report', '/-/healthy'];
    const replies = await Promise.all(
      Array.from({ length: 20 }, () =>
        paths.map((path) => sendRequest(`${address}${path}`)),
      ).flat(),
    );

    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    expect(hung.runs()).toBeLessThanOrEqual(1);
    await served.close();
  });
});

describe('clients that misbehave', () => {
  let served: ListeningServer & AsyncDisposable;
  let port: number;
  beforeAll(async () => {
    served = await startListening('127.0.0.1:0');
    port = Number(new URL(served.addresses[0] ?? '').port);
  });
  afterAll(async () => {
    await served[Symbol.asyncDispose]();
  });

  const MEGABYTE = 'a'.repeat(1024 * 1024);
  test.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400, 'invalid request'],
    ['a TLS handshake', '\u0016\u0003\u0001\u0002', 400, 'invalid request'],
    [
      'a broken length',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n',
      400,
      'invalid request',
    ],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
      'invalid request',
    ],
    [
      'a header of a megabyte',
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${MEGABYTE}\r\n\r\n`,
      431,
      'the request address and headers are larger than 16 KiB',
    ],
    [
      'an address of a megabyte',
      `GET /${MEGABYTE} HTTP/1.1\r\nHost: a\r\n\r\n`,
      431,
      'the request address and headers are larger than 16 KiB',
    ],
  ])('%s gets one sentence', async (_what, bytes, status, error) => {
    const answer = await sendBytes({ port, host: '127.0.0.1' }, bytes);

    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(head).toContain('Connection: close');
    expect(JSON.parse(body)).toEqual({ error });
  });

  test('a request without a host is refused', async () => {
    const answer = await sendBytes({ port, host: '127.0.0.1' }, 'GET / HTTP/1.1\r\n\r\n');

    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('a request that never ends gets 408 and loses its connection', async () => {
    const answer = await sendBytes(
      { port, host: '127.0.0.1' },
      'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ',
    );

    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(answer).toContain('{"error":"the request took too long to arrive"}');
  });

  test('a body that never ends is not waited for longer than the limit', async () => {
    const bytes = 'POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx';
    const answer = await sendBytes({ port, host: '127.0.0.1' }, bytes);

    expect(answer).toMatch(/^HTTP\/1\.1 (?:404|405|408) /);
  });

  test('connections beyond the limit are closed, and the others served again afterwards', async () => {
    const crowd = Array.from({ length: 300 }, () =>
      connect({ port, host: '127.0.0.1' }).on('error', () => {}),
    );
    const closed = crowd.map((socket) => once(socket, 'close'));
    await Promise.race(closed);
    for (const socket of crowd) socket.destroy();
    await Promise.all(closed);

    expect((await sendRequest(`http://127.0.0.1:${port}/-/healthy`)).status).toBe(200);
  });
});

test('a connection that cannot be taken, time and again, ends nothing', async () => {
  const servers: Server[] = [];
  const note = (message: unknown): void =>
    void servers.push((message as { server: Server }).server);
  subscribe('tracing:net.server.listen:asyncEnd', note);
  await using hung = await createHungApp();
  const listening = await listenAll(hung.app, ['127.0.0.1:0']);
  unsubscribe('tracing:net.server.listen:asyncEnd', note);
  try {
    // As Node reports it when accept(2) finds no file left.
    for (const code of ['EMFILE', 'ENFILE', 'EMFILE']) servers[0]?.emit('error', new Error(code));

    expect(servers).toHaveLength(1);
    expect((await sendRequest(`${listening.addresses[0]}/-/healthy`)).status).toBe(200);
  } finally {
    await listening.close();
  }
});
