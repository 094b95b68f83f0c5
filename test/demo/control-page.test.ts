/** The demo as a process: its control page, what it prints without a terminal, and that nothing stays. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { DEMO_FAULTS } from '../../src/demo/faults.ts';
import type { DemoProcess } from '../support/demo-process.ts';
import { startDemo } from '../support/demo-process.ts';
import { descendantsOf, stillRunning } from '../support/process-tree.ts';
import { until } from '../support/until.ts';

let demo: DemoProcess;

beforeAll(async () => {
  demo = await startDemo();
});
afterAll(async () => {
  await demo[Symbol.asyncDispose]();
});

async function post(path: string, headers: Record<string, string> = {}) {
  const url = new URL(path, demo.controlPage);
  const answer = await fetch(url, { method: 'POST', redirect: 'manual', headers });
  return { status: answer.status, text: await answer.text() };
}

describe('the control page', () => {
  test('has a button for every fault and says that this is a demo', async () => {
    const page = await (await fetch(demo.controlPage)).text();

    expect(page).toContain('This is a demo: GitLab and the runner are simulated.');
    expect([...page.matchAll(/action="\/fault\/([a-z-]+)"/g)].map(([, id]) => id)).toEqual(
      DEMO_FAULTS.map(({ id }) => id),
    );
  });

  test('breaks with a button, shows the cause that runnerwatch names, and heals', async () => {
    expect(await post('/fault/maintenance')).toEqual({ status: 303, text: '' });
    const page = async (): Promise<string> => await (await fetch(demo.controlPage)).text();
    const names = /Cause: <b>gitlab-maintenance-mode \((?:suspected|confirmed)\)<\/b>/;
    await expect.poll(page).toMatch(names);
    const broken = await page();

    expect(broken).toContain('<form method="post" action="/fault/none"><button>heal</button>');

    expect((await post('/fault/none')).status).toBe(303);
    await demo.until('health', (text) => text.includes('"status": "pass",\n  "version"'));
  });

  test('refuses what is no fault, no page or a button on the page of another origin', async () => {
    const answers = [
      await post('/fault/typo'),
      await post('/elsewhere'),
      await post('/fault/expired', { Origin: 'https://evil.test' }),
    ];

    expect(answers).toEqual([
      { status: 404, text: 'unknown fault "typo"\n' },
      { status: 404, text: 'use GET / or POST /fault/ID\n' },
      { status: 403, text: 'requests from another origin are not allowed\n' },
    ]);
  });
});

test('both pages have the one style that their content security policy lets a browser apply', async () => {
  for (const url of [demo.controlPage, demo.statusPage]) {
    const answer = await fetch(url);
    const styles = [...(await answer.text()).matchAll(/<style>(?<css>[^<]*)<\/style>/g)];
    const hashes = styles.map(
      ({ groups }) =>
        `sha256-${createHash('sha256')
          .update(groups?.['css'] ?? '')
          .digest('base64')}`,
    );

    expect(hashes).toHaveLength(1);
    expect(answer.headers.get('content-security-policy')).toContain(`style-src '${hashes[0]}'`);
  }
});

test('SIGTERM ends it with 0, and neither a process nor a file stays', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'demo-test-'));
  await using own = await startDemo({ env: { ...process.env, TMPDIR: folder } });
  // The runner alone stays; a check may call a program for a moment.
  await until(() => descendantsOf(own.pid).length === 1);
  const family = descendantsOf(own.pid);
  expect(readdirSync(folder)).toHaveLength(1);

  expect(await own.end('SIGTERM')).toBe(0);

  expect(stillRunning(family)).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
  rmdirSync(folder);
});
