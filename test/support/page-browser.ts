/** The status page of a view, served as the daemon serves it, in a real Chromium. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { chromium } from 'playwright-core';

import type { View } from '../../src/core/view.ts';
import { buildServer } from '../../src/server.ts';
import { PATIENCE_MILLISECONDS } from './until.ts';

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
  const timeout = PATIENCE_MILLISECONDS;
  return await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, timeout });
}

/** The screen that a page is shown on. */
export type Screen = Required<Pick<BrowserContextOptions, 'viewport' | 'colorScheme'>>;

export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** Complaints of the page since it was loaded: errors, refused resources, broken policies. */
  readonly complaints: readonly string[];
  /** Every address requested since then. */
  readonly requests: readonly string[];
  /** Loads the address in the same tab, which costs a fraction of a new one. */
  load(url: string, screen?: Screen): Promise<void>;
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE_MILLISECONDS);
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
  const load = async (next: string, screen?: Screen): Promise<void> => {
    complaints.length = 0;
    requests.length = 0;
    if (screen?.viewport) await page.setViewportSize(screen.viewport);
    if (screen !== undefined) await page.emulateMedia({ colorScheme: screen.colorScheme });
    await page.goto(next, { waitUntil: 'load' });
  };
  await load(url);
  return {
    page,
    complaints,
    requests,
    load,
    [Symbol.asyncDispose]: async () => await context.close(),
  };
}
