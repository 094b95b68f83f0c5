/** The demo's own control page: buttons for the faults, without a script. On loopback, for this host only. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { View } from '../core/view.ts';
import type { Html } from '../report/page/html.ts';
import { html } from '../report/page/html.ts';
import { STYLE_ELEMENT, STYLE_HASH } from '../report/page/style.ts';
import type { DemoFault, FaultSwitch } from './faults.ts';

const WANTED_PORT = 19_253;
/** Used instead of a fault's id: switches off the fault that is on. */
const HEAL = 'none';

export interface ControlPage extends AsyncDisposable {
  readonly address: string;
}

export interface ControlDeps {
  readonly faults: FaultSwitch;
  readonly view: () => View;
  /** Where the daemon's own page is. */
  readonly statusAddress: string;
}

export async function startControlPage(deps: ControlDeps): Promise<ControlPage> {
  const server = createServer((request, response) => {
    handle(deps, request, response).catch((error: unknown) =>
      respond(response, 500, error instanceof Error ? error.message : String(error)),
    );
  });
  // Another program may have the usual port; any other will do.
  const port = await listen(server, WANTED_PORT).catch(async () => await listen(server, 0));
  return {
    address: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
    },
  };
}

async function listen(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', reject);
  server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  try {
    return await promise;
  } finally {
    server.off('error', reject);
  }
}

async function handle(
  deps: ControlDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const match = /^\/fault\/(?<id>[a-z-]+)$/.exec(request.url ?? '');
  const id = match?.groups?.['id'];
  if (request.method === 'POST' && id !== undefined) {
    // A page of another origin must not press the buttons.
    const { origin, host } = request.headers;
    if (origin !== undefined && origin !== `http://${host}`)
      return respond(response, 403, 'requests from another origin are not allowed');
    const fault = deps.faults.all.find((one) => one.id === id);
    if (fault === undefined && id !== HEAL) return respond(response, 404, `unknown fault "${id}"`);
    await deps.faults.set(fault);
    response.writeHead(303, { Location: '/' }).end();
    return undefined;
  }
  if (request.url !== '/' || request.method !== 'GET')
    return respond(response, 404, 'use GET / or POST /fault/ID');
  response.writeHead(200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Content-Security-Policy': `default-src 'none'; style-src '${STYLE_HASH}'; form-action 'self'`,
  });
  response.end(page(deps));
  return undefined;
}

function respond(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}

function page({ faults, view, statusAddress }: ControlDeps): string {
  const { verdict, summary, causes } = view().diagnosis;
  const named = causes.map(({ id, confidence }) => `${id} (${confidence})`).join(', ');
  const rows = faults.all.map((fault) => faultRow(fault, fault === faults.current()));
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="refresh" content="3" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>runnerwatch demo</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <div class="demo">This is a demo: GitLab and the runner are simulated.</div>
        <main>
          <section class="verdict ${verdict}">
            <h1>${verdict}</h1>
            <p>${summary}</p>
          </section>
          <p>Cause: <b>${named === '' ? 'none' : named}</b></p>
          <p>Break something, then watch <a href="${statusAddress}">the status page</a>.</p>
          <div class="scroll">
            <table>
              <tbody>
                ${rows}
              </tbody>
            </table>
          </div>
        </main>
      </body>
    </html>`.text;
}

function faultRow({ id, title, cause }: DemoFault, isOn: boolean): Html {
  const action = `/fault/${isOn ? HEAL : id}`;
  return html`<tr class="${isOn ? 'fail' : 'skipped'}">
    <td>${title}<small>runnerwatch should say ${cause}</small></td>
    <td>
      <form method="post" action="${action}"><button>${isOn ? 'heal' : 'break'}</button></form>
    </td>
  </tr>`;
}
