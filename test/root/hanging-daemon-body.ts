/** What runs inside the mount namespace: the whole daemon, on a config whose folders hang. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

import type { Report, ReportedCheck } from '../../src/report/document.ts';
import { mountHanging } from '../support/hanging-mount.ts';
import { statChildren } from './hanging-bodies.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const MOUNTS = 6;
const MOST_LOOKS = 200;
const BETWEEN_LOOKS_MILLISECONDS = 100;
/** The promise of the daemon. */
const END_MILLISECONDS = 5000;

export async function serveOnHungMounts(folder: string) {
  await using stack = new AsyncDisposableStack();
  const mounts = Array.from({ length: MOUNTS }, (_, index) => `${folder}/mount-${index}`);
  for (const one of mounts) await stack.use(await mountHanging(one)).say('silent');
  const config = join(folder, 'config.toml');
  writeFileSync(config, mounts.map((one, index) => entryOn(one, index)).join(''));
  const socket = join(folder, 'web.sock');
  const daemon = spawn(
    process.execPath,
    [
      MAIN,
      'serve',
      `--runner.config=${config}`,
      `--web.listen-address=unix:${socket}`,
      `--state.directory=${join(folder, 'state')}`,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const ended = once(daemon, 'exit', { signal: AbortSignal.timeout(20_000) });
  const checks = await untilHung(socket);
  const children = statChildren(daemon.pid ?? 0).length;
  daemon.kill('SIGTERM');
  const inTime = delay(END_MILLISECONDS, ['still there'], { ref: false });
  return {
    hung: checks
      .filter(({ probe, target }) => probe === 'disk' && mounts.includes(target))
      .map(({ probe, reason }) => `${probe}/${reason}`),
    config: checks.find(({ probe }) => probe === 'config')?.status,
    cpu: checks.find(({ probe }) => probe === 'cpu')?.measures['utilization_ratio'] !== undefined,
    children,
    ended: await Promise.race([ended, inTime]),
  };
}

/** The address is closed: what GitLab says is not the question here. */
function entryOn(folder: string, index: number): string {
  return [
    '[[runners]]',
    `name = "shell-${index}"`,
    'url = "http://127.0.0.1:9/"',
    `token = "glrt-aaaaaaaaaaaaaaaaaaa${index}"`,
    'executor = "shell"',
    `builds_dir = "${folder}/builds"`,
    `cache_dir = "${folder}/cache"\n\n`,
  ].join('\n');
}

/** The report as soon as every mount has been given up; readers are served all the while. */
async function untilHung(socket: string): Promise<readonly ReportedCheck[]> {
  for (let look = 0; look < MOST_LOOKS; look += 1) {
    const checks = (await report(socket).catch(() => undefined))?.checks ?? [];
    const hung = checks.filter(({ probe, reason }) => probe === 'disk' && reason === 'hung');
    if (hung.length >= MOUNTS) return checks;
    await delay(BETWEEN_LOOKS_MILLISECONDS);
  }
  throw new Error('the mounts were never called hung');
}

async function report(socketPath: string): Promise<Report> {
  const asked = request({ socketPath, path: '/api/v1/report' }).end();
  const [answer] = (await once(asked, 'response')) as [NodeJS.ReadableStream];
  return JSON.parse(await text(answer)) as Report;
}
