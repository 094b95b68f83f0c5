/**
 * Pictures of the status page in every state that matters, at four sizes, into screenshots/ (or the folder named). Run
 * by `npm run screenshots` after the page has changed, for a review by eye; needs Debian's chromium.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { openPage, servePage, startBrowser } from '../test/support/page-browser.ts';
import { pageStates } from '../test/support/page-states.ts';

const SIZES = {
  phone: { viewport: { width: 360, height: 740 }, colorScheme: 'light' },
  desk: { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
  wall: { viewport: { width: 2560, height: 1440 }, colorScheme: 'light' },
} as const;

const folder = process.argv[2] ?? join(import.meta.dirname, '../screenshots');
mkdirSync(folder, { recursive: true });
await using browser = await startBrowser();
for (const [name, view] of Object.entries(pageStates())) {
  await using served = await servePage(view);
  for (const [size, options] of Object.entries(SIZES)) {
    await using open = await openPage(browser, served.url, options);
    const path = join(folder, `${name}-${size}.png`);
    await open.page.screenshot({ path, fullPage: true });
    process.stdout.write(`${path}\n`);
  }
}
