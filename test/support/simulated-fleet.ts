/**
 * Many hosts behind one port: each has a page of metrics, rendered by the real exporter from a snapshot, and all
 * are found by http_sd. `await using fleet = await startFleet(hosts)`. The pages are rendered before the first
 * scrape, so that none waits for a core: only the time of the last run is put in when a page is asked for.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Snapshot } from '../../src/core/check.ts';
import type { Exporter } from '../../src/metrics/exporter.ts';
import { createExporter } from '../../src/metrics/exporter.ts';
import { ALL_PROBES } from '../../src/cli/all-probes.ts';
import { viewOf } from './views.ts';

/** When the checks of a page ran, as it was rendered; every scrape sees them as just made. */
const RENDERED_AT = Date.UTC(2026, 10, 24, 9, 0, 0, 123);

export interface SimulatedHost {
  /** Of the fleet that it belongs to. */
  readonly job: string;
  readonly name: string;
  readonly site: string;
  readonly healthy: Snapshot;
  readonly broken: Snapshot;
}

export interface Fleet extends AsyncDisposable {
  /** Where http_sd finds the hosts of a job. */
  discoveryUrl(job: string): string;
  break(job: string): void;
  heal(job: string): void;
}

export async function startFleet(hosts: readonly SimulatedHost[]): Promise<Fleet> {
  const broken = new Set<string>();
  const pages = new Map<string, Page>();
  for (const host of hosts) pages.set(pathOf(host), await pageOf(host, broken));
  const server = createServer((request, response) => {
    const [, kind = '', job = ''] = (request.url ?? '').split('/');
    if (kind === 'discovery') {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(groupsOf(hosts, job, request.headers.host ?? '')));
      return;
    }
    const { contentType, body } = pages.get(request.url ?? '')?.() ?? NO_PAGE;
    response.setHeader('Content-Type', contentType);
    response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    discoveryUrl: (job) => `http://127.0.0.1:${port}/discovery/${job}`,
    break: (job) => void broken.add(job),
    heal: (job) => void broken.delete(job),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

type Rendered = Awaited<ReturnType<Exporter['render']>>;
type Page = () => Rendered;

const NO_PAGE: Rendered = { contentType: 'text/plain', body: '' };

function pathOf({ job, name }: SimulatedHost): string {
  return `/hosts/${job}/${name}/metrics`;
}

function groupsOf(hosts: readonly SimulatedHost[], job: string, address: string) {
  return hosts
    .filter((host) => host.job === job)
    .map((host) => ({
      targets: [address],
      labels: {
        __metrics_path__: pathOf(host),
        instance: `${host.name}:19252`,
        site: host.site,
      },
    }));
}

async function pageOf(
  { job, healthy, broken: ill }: SimulatedHost,
  broken: ReadonlySet<string>,
): Promise<Page> {
  const exporter = createExporter(ALL_PROBES);
  const good = await exporter.render(viewOf(renderedSnapshot(healthy)), 'text');
  const bad = ill === healthy ? good : await exporter.render(viewOf(renderedSnapshot(ill)), 'text');
  return () => {
    const { contentType, body } = broken.has(job) ? bad : good;
    const now = String(Date.now() / 1000);
    return { contentType, body: body.replaceAll(String(RENDERED_AT / 1000), now) };
  };
}

function renderedSnapshot(snapshot: Snapshot): Snapshot {
  return {
    ...snapshot,
    checks: snapshot.checks.map((state) =>
      state.last === undefined
        ? state
        : { ...state, last: { ...state.last, startedAt: RENDERED_AT } },
    ),
  };
}
