/** Every route, on views of the real stage: healthy, and broken by a fault. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { View } from '../src/core/view.ts';
import { buildDemoHost } from '../src/demo/demo-host.ts';
import { createExporter } from '../src/metrics/exporter.ts';
import { ALL_PROBES } from '../src/cli/all-probes.ts';
import type { ServerDeps } from '../src/server.ts';
import { buildServer } from '../src/server.ts';
import { startDemoHostDaemon } from './support/demo-host-daemon.ts';
import { inPatience, until } from './support/until.ts';

let healthy: View;
let broken: View;
const apps: FastifyInstance[] = [];

beforeAll(async () => {
  await using stage = await buildDemoHost();
  await using watch = await startDemoHostDaemon(stage);
  healthy = await watch.until(
    ({ self, diagnosis }) => self.ready && diagnosis.verdict === 'healthy',
    'healthy',
  );
  await stage.gitlab.setListening(false);
  // A handshake that is under way is cut, and fails otherwise.
  broken = await watch.until(
    ({ diagnosis }) => diagnosis.causes.map(({ id }) => id).join() === 'tcp-connection-refused',
    'tcp-connection-refused',
  );
});
afterAll(async () => {
  await Promise.all(apps.map((app) => app.close()));
});

function serverOf(view: View, over: Partial<ServerDeps> = {}): FastifyInstance {
  const exporter = createExporter(ALL_PROBES);
  const render: ServerDeps['render'] = (view, format) => exporter.render(view, format);
  const app = buildServer({ read: () => view, render, ...over });
  apps.push(app);
  return app;
}

/** Status, type and body of a GET. */
async function get(view: View, url: string, headers: Readonly<Record<string, string>> = {}) {
  const {
    statusCode,
    headers: answered,
    body,
    rawPayload,
  } = await serverOf(view).inject({ url, headers });
  return {
    status: statusCode,
    type: answered['content-type'],
    headers: answered,
    body,
    rawPayload,
  };
}

describe('GET /health', () => {
  test('a healthy runner is 200 and pass, pretty-printed health+json', async () => {
    const { status, type, body } = await get(healthy, '/health');

    expect({ status, type }).toEqual({
      status: 200,
      type: 'application/health+json; charset=utf-8',
    });
    const document = JSON.parse(body) as Record<string, unknown>;
    expect(body).toBe(`${JSON.stringify(document, undefined, 2)}\n`);
    expect(document).toMatchObject({ status: 'pass', causes: [] });
  });

  test('a broken runner is 503 and fail, with the cause before the checks', async () => {
    const { status, body } = await get(broken, '/health');

    expect(status).toBe(503);
    const document = JSON.parse(body) as Record<string, unknown>;
    expect(document).toMatchObject({ status: 'fail', causes: [{ id: 'tcp-connection-refused' }] });
    expect(document['output']).toBe(broken.diagnosis.summary);
    expect(body.indexOf('"causes"')).toBeLessThan(body.indexOf('"checks"'));
  });

  test('what is unsure or degraded is 200 and warn', async () => {
    for (const verdict of ['unsure', 'degraded'] as const) {
      const view = { ...healthy, diagnosis: { ...healthy.diagnosis, verdict } };
      const { status, body } = await get(view, '/health');

      expect([status, (JSON.parse(body) as { status: string }).status]).toEqual([200, 'warn']);
    }
  });

  test('?format=text and Accept: text/plain give the text of `runnerwatch check`', async () => {
    const asked = await get(broken, '/health?format=text');
    const accepted = await get(broken, '/health', { accept: 'text/plain' });

    expect(asked.body).toMatch(/^BROKEN {2}/m);
    expect(asked.body).toBe(accepted.body);
    expect(asked.status).toBe(503);
    expect([asked.type, accepted.type]).toEqual(Array(2).fill('text/plain; charset=utf-8'));
  });

  test('Accept: application/json gets that type', async () => {
    const { type } = await get(healthy, '/health', { accept: 'application/json' });

    expect(type).toBe('application/json; charset=utf-8');
  });

  test('one entry is asked for by short token or by name, and an unknown one is 404', async () => {
    const [first] = healthy.diagnosis.runners;
    const byToken = await get(broken, `/health/${first?.runner}`);
    const byName = await get(broken, `/health/${first?.name}`);
    const unknown = await get(broken, '/health/nobody');

    expect(byToken.status).toBe(503);
    expect(JSON.parse(byName.body)).toEqual(JSON.parse(byToken.body));
    expect([unknown.status, JSON.parse(unknown.body)]).toEqual([
      404,
      { error: 'config.toml has no runner "nobody"' },
    ]);
  });

  test('the other entries are no part of the answer for one', async () => {
    const { body } = await get(healthy, '/health/docker-1');

    expect(body).toContain('Da1kerDem');
    expect(body).not.toContain('Db2kerDem');
  });
});

describe('GET /metrics', () => {
  test('is Prometheus text unless OpenMetrics is asked for', async () => {
    const text = await get(healthy, '/metrics');
    const open = await get(healthy, '/metrics', {
      accept: 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5',
    });

    expect(text.type).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text.body).not.toContain('# EOF');
    expect(open.type).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(open.body).toMatch(/# EOF\n$/);
    expect(text.headers['vary']).toBe('Accept, Accept-Encoding');
  });

  test('is compressed when that is asked for, and not when it is refused', async () => {
    const plain = await get(healthy, '/metrics');
    const packed = await get(healthy, '/metrics', { 'accept-encoding': 'deflate, gzip;q=0.5' });
    const refused = await get(healthy, '/metrics', { 'accept-encoding': 'gzip;q=0, identity' });

    expect(packed.headers['content-encoding']).toBe('gzip');
    const unpacked = gunzipSync(packed.rawPayload).toString();
    expect(unpacked).toContain('runnerwatch_verdict{verdict="healthy"} 1\n');
    expect(packed.rawPayload.length).toBeLessThan(plain.body.length / 4);
    expect(refused.headers['content-encoding']).toBeUndefined();
  });

  test('is compressed, too, while every thread waits for a file system that hangs', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'runnerwatch-'));
    // The open of a pipe without a writer hangs as a file on a dead mount does.
    const pipe = join(folder.path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
    const stuck = Array.from({ length: threads }, async () => await readFile(pipe));
    const app = serverOf(healthy);
    const asked = app.inject({ url: '/metrics', headers: { 'accept-encoding': 'gzip' } });
    try {
      const { rawPayload } = await inPatience(
        asked.then((answer) => answer),
        () => 'no compressed answer while the threads are taken',
      );
      expect(gunzipSync(rawPayload).toString()).toContain('runnerwatch_verdict');
    } finally {
      let areFree = false;
      const freed = Promise.all(stuck).then(() => (areFree = true));
      // A writer frees those who wait, and a thread that was slow to start waits for the next one.
      await until(() => {
        closeSync(openSync(pipe, constants.O_RDWR));
        return areFree;
      });
      await freed;
    }
  });
});

describe('the daemon about itself', () => {
  test('/-/healthy is 200 while it makes progress, in any state of GitLab, otherwise 503', async () => {
    const stuck = { ...healthy, self: { ...healthy.self, alive: false } };

    expect([
      (await get(broken, '/-/healthy')).status,
      (await get(stuck, '/-/healthy')).status,
    ]).toEqual([200, 503]);
  });

  test('/-/ready is 503 until the first round is complete', async () => {
    const early = { ...healthy, self: { ...healthy.self, ready: false } };

    expect([
      (await get(healthy, '/-/ready')).status,
      (await get(early, '/-/ready')).status,
    ]).toEqual([200, 503]);
  });

  test('/-/runner is 200 while GitLab is down: a restart of the runner would not help', async () => {
    expect((await get(broken, '/-/runner')).status).toBe(200);
  });

  test('/-/reload exists only when it is enabled, and takes only POST', async () => {
    const without = await serverOf(healthy).inject({ method: 'POST', url: '/-/reload' });
    const app = serverOf(healthy, { reload: async () => [] });
    const done = await app.inject({ method: 'POST', url: '/-/reload' });
    const refused = await app.inject({ method: 'GET', url: '/-/reload' });

    expect(without.statusCode).toBe(404);
    expect([done.statusCode, done.json()]).toEqual([200, { reloaded: true }]);
    expect([refused.statusCode, refused.headers['allow']]).toEqual([405, 'POST']);
  });

  test('/-/reload takes what curl -d sends, up to the limit', async () => {
    const app = serverOf(healthy, { reload: async () => [] });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const post = { method: 'POST', url: '/-/reload', headers } as const;

    expect((await app.inject({ ...post, payload: 'a=b' })).statusCode).toBe(200);
    const large = await app.inject({ ...post, payload: 'a'.repeat(1025) });
    expect([large.statusCode, large.json()]).toEqual([
      413,
      { error: 'the request body is larger than 1 KiB' },
    ]);
  });

  test('/-/reload says why the old settings stay', async () => {
    const app = serverOf(healthy, { reload: async () => ['line 3: no'] });
    const { statusCode, body } = await app.inject({ method: 'POST', url: '/-/reload' });

    expect([statusCode, JSON.parse(body)]).toEqual([
      500,
      {
        error: 'the settings were not reloaded; the old settings stay in use',
        problems: ['line 3: no'],
      },
    ]);
  });
});

describe('documents', () => {
  test('/api/v1/report is the report, pretty-printed', async () => {
    const { status, type, body } = await get(broken, '/api/v1/report');

    expect([status, type]).toEqual([200, 'application/json; charset=utf-8']);
    expect(JSON.parse(body)).toMatchObject({ schema: 1, verdict: 'broken' });
    expect(body).toBe(`${JSON.stringify(JSON.parse(body), undefined, 2)}\n`);
  });

  test('/api/v1/incidents is an empty list while nothing is recorded', async () => {
    const list = await get(broken, '/api/v1/incidents');
    const one = await get(broken, '/api/v1/incidents/2026-1');

    expect([list.status, JSON.parse(list.body)]).toEqual([200, { incidents: [] }]);
    expect([one.status, JSON.parse(one.body)]).toEqual([
      404,
      { error: 'unknown incident "2026-1"' },
    ]);
  });

  test('/ is the page', async () => {
    const { status, type, body } = await get(broken, '/');

    expect([status, type]).toEqual([200, 'text/html; charset=utf-8']);
    expect(body).toMatch(/^<!doctype html>/i);
    expect(body).toContain('tcp-connection-refused');
  });
});

const PATHS = [
  '/',
  '/metrics',
  '/health',
  '/health/docker-1',
  '/-/healthy',
  '/-/ready',
  '/-/runner',
];
const DOCUMENTS = ['/api/v1/report', '/api/v1/incidents'];

describe.each([...PATHS, ...DOCUMENTS])('%s', (url) => {
  test('HEAD has status and headers of GET, and no body', async () => {
    const app = serverOf(broken);
    const head = await app.inject({ method: 'HEAD', url });
    const whole = await app.inject({ method: 'GET', url });

    expect([head.statusCode, head.headers['content-type'], head.body]).toEqual([
      whole.statusCode,
      whole.headers['content-type'],
      '',
    ]);
  });

  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const)(
    '%s is 405 with Allow',
    async (method) => {
      const { statusCode, headers, body } = await serverOf(healthy).inject({ method, url });

      expect([statusCode, headers['allow']]).toEqual([405, 'GET, HEAD']);
      expect(JSON.parse(body)).toEqual({ error: `${url} allows GET, HEAD` });
    },
  );
});

test('an unknown path is 404 in JSON, for each method', async () => {
  for (const method of ['GET', 'POST', 'HEAD'] as const) {
    const { statusCode, headers } = await serverOf(healthy).inject({ method, url: '/nothing' });

    expect([statusCode, headers['content-type']]).toEqual([404, 'application/json; charset=utf-8']);
  }
  const { body } = await get(healthy, '/nothing?target=https://evil.test/');
  expect(JSON.parse(body)).toEqual({
    error: 'no page /nothing; GET / has the list',
  });
});

test.each(['/', '/metrics', '/nothing', '/%zz', `/health/${'a'.repeat(200)}`, '/health/%ff'])(
  'every answer is safe to show and never kept: %s',
  async (url) => {
    const { headers } = await get(healthy, url);

    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
  },
);

test.each([
  ['/%zz', 400, 'invalid request'],
  ['/health/%ff', 400, 'invalid request'],
  [`/health/${'a'.repeat(200)}`, 414, 'the request address is too long'],
])('a bad address gets one sentence: %s', async (url, status, error) => {
  const answer = await get(healthy, url);

  expect([answer.status, JSON.parse(answer.body)]).toEqual([status, { error }]);
});

test('a page that cannot be made is 500 without the reason, which is no business of the client', async () => {
  const app = serverOf(healthy, { render: () => Promise.reject(new Error('glrt-secret')) });
  const { statusCode, body } = await app.inject({ url: '/metrics' });

  expect([statusCode, JSON.parse(body)]).toEqual([
    500,
    { error: 'internal error: the response could not be built' },
  ]);
});
