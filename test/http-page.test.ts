/** docs/http.md lists every route, status and field that is served, and no other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { View } from '../src/core/view.ts';
import { buildDemoHost } from '../src/demo/demo-host.ts';
import { createExporter } from '../src/metrics/exporter.ts';
import { ALL_PROBES } from '../src/cli/all-probes.ts';
import { buildServer } from '../src/server.ts';
import { startDemoHostDaemon } from './support/demo-host-daemon.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../docs/http.md'), 'utf8');
/** Maps whose keys are data. */
const MAPS = new Set(['runners[].chain', 'checks[].measures', 'checks[].facts', 'runs', 'report']);

let view: View;
let app: FastifyInstance;
let incidentId: string;

beforeAll(async () => {
  await using stage = await buildDemoHost();
  await using watch = await startDemoHostDaemon(stage);
  await watch.until(({ self }) => self.ready, 'ready');
  await stage.gitlab.setListening(false);
  view = await watch.until(
    ({ diagnosis, past }) =>
      diagnosis.verdict === 'broken' &&
      diagnosis.causes.some(({ ruledOut }) => ruledOut.length > 0) &&
      past.incidents.some(({ cause }) => cause === diagnosis.runners[0]?.cause),
    'broken, with its incident',
  );
  const { past, diagnosis } = view;
  incidentId = past.incidents.find(({ cause }) => cause === diagnosis.runners[0]?.cause)?.id ?? '';
  const incident = watch.daemon.incident(incidentId);
  const exporter = createExporter(ALL_PROBES);
  app = buildServer({
    read: () => view,
    render: (view, format) => exporter.render(view, format),
    incident: (id) => (id === incidentId ? incident : undefined),
    reload: async () => [],
  });
  await app.ready();
});
afterAll(async () => {
  await app.close();
});

/** First cells of the rows of the table below a heading, without the header row. */
function firstCells(heading: string): readonly string[] {
  const section = PAGE.split(new RegExp(`\n##+ ${heading}\n`))[1]?.split(/\n##+ /)[0] ?? '';
  return [...section.matchAll(/^\| (?<cell>`[^|]+) \|/gm)].map(({ groups }) =>
    (groups?.['cell'] ?? '').replaceAll('`', ''),
  );
}

async function servedAt(url: string): Promise<unknown> {
  return (await app.inject({ url: url.replace('ID', incidentId) })).json();
}

/** Routes out of fastify’s own picture of its tree. */
function servedRoutes(): readonly string[] {
  const paths: string[] = [];
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const match = /^(?<indent>[│├└─ ]*)(?<path>\S+) \((?<methods>[^)]+)\)/.exec(line);
      if (match?.groups === undefined) return [];
      const { indent = '', path = '', methods = '' } = match.groups;
      const depth = indent.length / 4 - 1;
      paths.splice(depth);
      paths.push(path);
      const [method = ''] = methods.split(', ');
      return [`${method} ${paths.slice(0, depth + 1).join('')}`];
    });
}

/** Paths of all values: `a.b[].c`; an empty list is a path of its own. */
function pathsOf(value: unknown, path = ''): readonly string[] {
  if (MAPS.has(path)) return [path];
  if (Array.isArray(value)) {
    const below = value.flatMap((item: unknown) => pathsOf(item, `${path}[]`));
    return below.length === 0 ? [`${path}[]`] : below;
  }
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, item]) =>
    pathsOf(item, path === '' ? key : `${path}.${key}`),
  );
}

test('every route that is served is on the page, and the reverse', () => {
  expect([...firstCells('Routes')].toSorted()).toEqual([...servedRoutes()].toSorted());
});

test.each([
  ['GET', '/', 200],
  ['GET', '/metrics', 200],
  ['GET', '/health', 503],
  ['GET', '/health/docker-1', 503],
  ['GET', '/health/nobody', 404],
  ['GET', '/-/healthy', 200],
  ['GET', '/-/ready', 200],
  ['GET', '/-/runner', 200],
  ['POST', '/-/reload', 200],
  ['GET', '/api/v1/report', 200],
  ['GET', '/api/v1/incidents', 200],
  ['GET', '/api/v1/incidents/ID', 200],
  ['GET', '/api/v1/incidents/1', 404],
  ['HEAD', '/health', 503],
  ['GET', '/nothing', 404],
  ['DELETE', '/health', 405],
] as const)('%s %s answers %i', async (method, url, status) => {
  const answer = await app.inject({ method, url: url.replace('ID', incidentId) });

  expect(answer.statusCode).toBe(status);
  expect(answer.headers['cache-control']).toBe('no-store');
});

describe.each([
  ['The report', '/api/v1/report', (path: string) => path],
  ['Health', '/health', (path: string) => path.replace(/^checks\.[a-z-]+:\w+/i, 'checks.KEY')],
  ['The list', '/api/v1/incidents', (path: string) => path],
  ['One incident', '/api/v1/incidents/ID', (path: string) => path],
] as const)('the fields of "%s"', (heading, url, named) => {
  /** `/health` shows causes as the report does, described there once. */
  const isTold = (path: string): boolean => heading !== 'Health' || !/^causes\[\]\../.test(path);

  test('are all on the page', async () => {
    const served = pathsOf(await servedAt(url)).map((path) => named(path));
    const documented = new Set(firstCells(heading).map((cell) => cell.replace(/ \?$/, '')));

    expect([...new Set(served)].filter((path) => isTold(path) && !documented.has(path))).toEqual(
      [],
    );
  });

  test('that are not marked with ? are all served', async () => {
    const served = new Set(pathsOf(await servedAt(url)).flatMap((path) => prefixesOf(named(path))));
    const always = firstCells(heading).filter((cell) => !cell.endsWith('?'));

    expect(always.length).toBeGreaterThan(5);
    expect(always.filter((path) => !served.has(path))).toEqual([]);
  });
});

/** `causes[].id` also shows that there are `causes[]`. */
function prefixesOf(path: string): readonly string[] {
  const head = /^(?<head>.*\[\])\.[^.[\]]+$/.exec(path)?.groups?.['head'];
  return head === undefined ? [path] : [path, head];
}
