/**
 * Regenerates docs/page.png: the status page of the demo in headless Chromium, with one fault on. Run by `npm run
 * screenshot`, after the page has changed; needs Debian's chromium.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const FAULT = 'unknown-authority';
const POLL_MILLISECONDS = 250;
const PATIENCE_MILLISECONDS = 30_000;
const WIDTH = 1120;
const HEIGHT = 930;

const demo = spawn(
  process.execPath,
  [join(ROOT, 'src/main.ts'), 'demo', '--web.listen-address', '127.0.0.1:0'],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
try {
  const { page, control } = await addresses();
  await until(page, 'healthy');
  await fetch(`${control}fault/${FAULT}`, { method: 'POST', redirect: 'manual' });
  await until(page, 'confirmed');
  shoot(page);
} finally {
  const exit = once(demo, 'exit');
  demo.kill('SIGTERM');
  await exit;
}

async function addresses(): Promise<{ readonly page: string; readonly control: string }> {
  let printed = '';
  for await (const piece of demo.stdout) {
    printed += String(piece);
    const page = /^status page +(?<url>\S+)/m.exec(printed)?.groups?.['url'];
    const control = /^break things +(?<url>\S+)\n/m.exec(printed)?.groups?.['url'];
    if (page !== undefined && control !== undefined) return { page, control };
  }
  throw new Error(`the demo ended: ${printed}`);
}

async function until(page: string, wanted: string): Promise<void> {
  const last = Date.now() + PATIENCE_MILLISECONDS;
  while (Date.now() < last) {
    if ((await (await fetch(page)).text()).includes(wanted)) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
  throw new Error(`${page} never said ${wanted}`);
}

function shoot(page: string): void {
  const { status, error } = spawnSync(
    'chromium',
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      `--window-size=${WIDTH},${HEIGHT}`,
      `--screenshot=${join(ROOT, 'docs/page.png')}`,
      page,
    ],
    { stdio: 'ignore', timeout: PATIENCE_MILLISECONDS },
  );
  if (status !== 0) throw new Error(`chromium failed: ${error?.message ?? status}`);
}
