/** The status page of a view, served as the daemon serves it, in a real Chromium. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { chromium } from 'playwright-core';

import type { View } from '../../src/core/view.ts';
import { buildServer } from '../../src/server.ts';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
];

export interface ServedPage extends AsyncDisposable {
  readonly url: string;
  /** What is served from now on. */
  show(view: View): void;
  /** Ends the server, as a daemon that died. */
  die(): Promise<void>;
}

export async function servePage(first: View): Promise<ServedPage> {
  let view = first;
  const app = buildServer({
    read: () => view,
    render: async () => ({ contentType: 'text/plain', body: '' }),
  });
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  const die = async (): Promise<void> => {
    app.server.closeAllConnections();
    await app.close();
  };
  return {
    url: `${address}/`,
    show: (next) => {
      view = next;
    },
    die,
    [Symbol.asyncDispose]: die,
  };
}

export async function startBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** Complaints of the page: errors, refused resources, broken policies. */
  readonly complaints: readonly string[];
  /** Every requested address. */
  readonly requests: readonly string[];
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(url, { waitUntil: 'load' });
  return {
    page,
    complaints,
    requests,
    [Symbol.asyncDispose]: async () => await context.close(),
  };
}
