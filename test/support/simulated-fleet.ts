/**
 * Many hosts behind one port: each has a page of metrics, rendered by the real exporter from a snapshot, and all
 * are found by http_sd. `await using fleet = await startFleet(hosts)`.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Snapshot } from '../../src/core/check.ts';
import { createExporter } from '../../src/metrics/exporter.ts';
import { PROBES } from '../../src/probes/index.ts';
import { viewOf } from './views.ts';

/** A page is rendered anew when it is older: a check that stood still would be stale. */
const PAGE_MILLISECONDS = 3000;

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
  const pages = new Map(hosts.map((host) => [pathOf(host), pageOf(host, broken)]));
  const server = createServer((request, response) => {
    const [, kind = '', job = ''] = (request.url ?? '').split('/');
    if (kind === 'discovery') {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(groupsOf(hosts, job, request.headers.host ?? '')));
      return;
    }
    void answer(response, pages.get(request.url ?? ''));
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

type Page = ReturnType<typeof pageOf>;

async function answer(response: ServerResponse, page: Page | undefined): Promise<void> {
  const { contentType, body } = (await page?.()) ?? { contentType: 'text/plain', body: '' };
  response.setHeader('Content-Type', contentType);
  response.end(body);
}

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

function pageOf({ job, healthy, broken: ill }: SimulatedHost, broken: ReadonlySet<string>) {
  const exporter = createExporter(PROBES);
  let kept: { isBroken: boolean; at: number; page: ReturnType<typeof exporter.render> } | undefined;
  return async () => {
    const isBroken = broken.has(job);
    const at = Date.now();
    if (kept?.isBroken !== isBroken || at - kept.at > PAGE_MILLISECONDS) {
      const view = viewOf(asOf(at, isBroken ? ill : healthy));
      kept = { isBroken, at, page: exporter.render(view, 'text') };
    }
    return await kept.page;
  };
}

/** The same findings, looked at just now. */
function asOf(at: number, snapshot: Snapshot): Snapshot {
  return {
    ...snapshot,
    checks: snapshot.checks.map((state) =>
      state.last === undefined ? state : { ...state, last: { ...state.last, startedAt: at } },
    ),
  };
}
