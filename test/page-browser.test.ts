/** The status page in a real Chromium: every state, on a phone, at a desk, on a wall, for a keyboard and a screen reader. */
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { OpenPage, Screen, ServedPage } from './support/page-browser.ts';
import { openPage, servePage, startBrowser } from './support/page-browser.ts';
import { pageStates } from './support/page-states.ts';

const STATES = pageStates();
const SIZES = [
  ['a phone, light', { viewport: { width: 360, height: 740 }, colorScheme: 'light' }],
  ['a desk, dark', { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' }],
] as const;
/** It has the layout and the colours of a desk by day: what axe judges has been seen. */
const WALL = { viewport: { width: 2560, height: 1440 }, colorScheme: 'light' } as const;
const RENEW_MILLISECONDS = 5000;

let browser: Browser;
/** One tab for every state and screen: the code of the page, and of what inspects it, is compiled once. */
let tab: OpenPage;
let states: ServedPage;
beforeAll(async () => {
  browser = await startBrowser();
  states = await servePage(stateOf('healthy'));
  tab = await openPage(browser, states.url);
});
afterAll(async () => {
  await browser.close();
  await states[Symbol.asyncDispose]();
});

const stateOf = (name: string) => {
  const view = STATES[name];
  if (view === undefined) throw new Error(`there is no state ${name}`);
  return view;
};

interface Violation {
  readonly id: string;
  readonly impact?: string | null;
  readonly nodes: readonly { readonly html: string }[];
}

/** Only the violations are described in full, and only they leave the browser: most of the time goes into the rest. */
async function violationsOn(page: Page): Promise<readonly Violation[]> {
  await page.evaluate(axe.source);
  return await page.evaluate<Violation[]>(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
  );
}

/** What was refused or asked for, and what is wider than the screen. */
async function layoutOn({ viewport }: Screen): Promise<unknown> {
  const width = await tab.page.evaluate<number>('document.documentElement.scrollWidth');
  return {
    complaints: tab.complaints,
    // Where this takes longer than the page waits, it has asked for itself again.
    requests: new Set(tab.requests),
    isWider: width > (viewport?.width ?? 0),
    headings: await tab.page.locator('h1').allTextContents(),
  };
}

describe.each(Object.entries(STATES))('the page, %s', (_state, view) => {
  beforeAll(() => states.show(view));

  const good = () => ({
    complaints: [],
    requests: new Set([states.url, `${states.url}page.js`]),
    isWider: false,
    headings: [view.diagnosis.verdict],
  });

  test.each(SIZES)(
    'on %s: nothing is refused, cut off, or beyond a screen reader',
    async (_size, screen) => {
      await tab.load(states.url, screen);
      const serious = (await violationsOn(tab.page)).filter(
        ({ impact }) => impact === 'serious' || impact === 'critical',
      );

      expect(serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`)).toEqual([]);
      expect(await layoutOn(screen)).toEqual(good());
    },
  );

  test('on a wall screen: nothing is refused or cut off', async () => {
    await tab.load(states.url, WALL);
    expect(await layoutOn(WALL)).toEqual(good());
  });

  test('is below 100 KB', async () => {
    const { byteLength } = await (await fetch(states.url)).arrayBuffer();
    expect(byteLength).toBeLessThan(100_000);
  });

  test('shows the status of each link and of the executor as text, of each entry all of them', async () => {
    await tab.load(states.url);
    const chains = await tab.page
      .getByRole('article')
      .filter({ has: tab.page.locator('.chain') })
      .all();
    const { runners } = view.diagnosis;

    expect(chains).toHaveLength(runners.length);
    const args = await tab.page.locator('.chain li').allTextContents();
    expect(args).toHaveLength(
      runners.flatMap(({ chain }) => [...Object.keys(chain), 'executor']).length,
    );
    const word = / (?:passes|warns|fails|is unknown|skipped)$/;
    expect(args.filter((text) => !word.test(text.trim()))).toEqual([]);
  });
});

test('the verdict is seen first, and the broken link leads to its cause', async () => {
  await using served = await servePage(stateOf('one-fault'));
  await using open = await openPage(browser, served.url, { viewport: { width: 360, height: 740 } });
  const { page } = open;

  const { y = Infinity } = (await page.getByRole('heading', { level: 1 }).boundingBox()) ?? {};
  expect(y).toBeLessThan(740 / 3);
  await page
    .getByRole('article')
    .getByRole('link', { name: 'tls-unknown-authority' })
    .first()
    .click();
  expect(new URL(page.url()).hash).toBe('#tls-unknown-authority');
});

describe('without a script', () => {
  test('everything is there, the rest one click away, and the page comes again by itself', async () => {
    await using served = await servePage(stateOf('one-fault'));
    await using open = await openPage(browser, served.url, { javaScriptEnabled: false });
    const { page } = open;
    const proof = page.locator('details[id^=links] dd', { hasText: 'chain of 2' }).last();

    expect(await proof.isVisible()).toBe(false);
    await page.getByText('All links').last().click();
    expect(await proof.isVisible()).toBe(true);
    expect(await page.locator('meta[http-equiv="refresh"]').count()).toBe(1);
    expect(await page.locator('pre').first().innerText()).toMatch(/^sudo mkdir -p /);
  });
});

describe('with its script', () => {
  test('it renews in place: what was opened stays open, and the focus stays', async () => {
    await using served = await servePage(stateOf('one-fault'));
    await using open = await openPage(browser, 'about:blank');
    const { page } = open;
    await page.clock.install();
    await page.goto(served.url);
    const summary = page.getByText('All links').first();
    await summary.focus();
    await page.keyboard.press('Enter');
    served.show(stateOf('many-faults'));
    await page.clock.runFor(RENEW_MILLISECONDS);
    await page.getByText("GitLab's certificate has expired").waitFor();

    expect(await page.title()).toBe('broken: ci-07');
    expect(await page.locator('#links-t9WkyjAA1').getAttribute('open')).toBe('');
    expect(await page.evaluate('document.activeElement.tagName')).toBe('SUMMARY');
    expect(open.complaints).toEqual([]);
  });

  test('it says when the daemon does not answer any more', async () => {
    await using served = await servePage(stateOf('healthy'));
    await using open = await openPage(browser, 'about:blank');
    const { page } = open;
    await page.clock.install();
    await page.goto(served.url);
    expect(await page.locator('#stale').isVisible()).toBe(false);
    await served.die();
    await page.clock.runFor(RENEW_MILLISECONDS);

    await page.getByText(/runnerwatch does not respond\. This page is \d+ seconds old\./).waitFor();
  });

  test('a command is copied with the keyboard alone', async () => {
    await using served = await servePage(stateOf('one-fault'));
    await using open = await openPage(browser, served.url, {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const { page } = open;
    for (let count = 0; count < 20; count += 1) {
      await page.keyboard.press('Tab');
      if (await page.evaluate("document.activeElement.matches('.copy')")) break;
    }
    await page.keyboard.press('Enter');
    await page.getByText('Copied').waitFor();

    const command = stateOf('one-fault').diagnosis.causes[0]?.fix[1]?.command;
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(command);
  });
});

test('hostile names are text: nothing of them runs, and nothing of them becomes a part of the page', async () => {
  await using served = await servePage(stateOf('hostile'));
  await using open = await openPage(browser, served.url);
  const { page } = open;

  expect(open.complaints).toEqual([]);
  expect(await page.locator('script').count()).toBe(1);
  expect(await page.locator('main img, main script, main style').count()).toBe(0);
  const headings = await page.locator('.runner h3').allTextContents();
  expect(headings).toContain('<script>alert(1)</script>');
  expect(headings.filter((text) => /[\u202A-\u202E]/.test(text))).toEqual([]);
});

test('the policy lets no inline script run, even if one got into the page', async () => {
  await using served = await servePage(stateOf('healthy'));
  await using open = await openPage(browser, served.url);
  await open.page.evaluate(`{
    const script = document.createElement('script');
    script.textContent = 'document.title = "taken over"';
    document.body.append(script);
  }`);

  expect(await open.page.title()).toBe('healthy: ci-07');
  expect(open.complaints.join(' ')).toMatch(/Content Security Policy/);
});
