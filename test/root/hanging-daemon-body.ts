/** What runs inside the mount namespace: the whole daemon, on a config whose folders hang. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import type { Report, ReportedCheck } from '../../src/report/document.ts';
import { mountHanging } from '../support/hanging-mount.ts';
import { startNamedProcess } from '../support/named-process.ts';
import { programArguments } from '../support/program-arguments.ts';
import { until } from '../support/until.ts';
import { statChildren } from './hanging-bodies.ts';

const MOUNTS = 6;

export async function serveOnHungMounts(folder: string) {
  await using stack = new AsyncDisposableStack();
  const mounts = Array.from({ length: MOUNTS }, (_, index) => `${folder}/mount-${index}`);
  for (const one of mounts) await stack.use(await mountHanging(one)).switchTo('silent');
  const config = join(folder, 'config.toml');
  writeFileSync(config, mounts.map((one, index) => entryOn(one, index)).join(''));
  // Without its process, a machine that bears the mark of a container would be taken for one beside the runner's.
  stack.use(await startNamedProcess(['gitlab-runner', 'run', '--config', config], {}));
  const socket = join(folder, 'web.sock');
  const [program, ...args] = programArguments(
    [
      'serve',
      // The mounts are this namespace's own.
      '--path.rootfs=/',
      '--path.procfs=/proc',
      `--runner.config=${config}`,
      `--web.listen-address=unix:${socket}`,
    ],
    folder,
  );
  const daemon = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(daemon, 'exit');
  const checks = await untilHung(socket);
  const children = statChildren(daemon.pid ?? 0).length;
  daemon.kill('SIGTERM');
  return {
    hung: checks
      .filter(({ probe, target }) => probe === 'disk' && mounts.includes(target))
      .map(({ probe, reason }) => `${probe}/${reason}`),
    config: checks.find(({ probe }) => probe === 'config')?.status,
    cpu: checks.find(({ probe }) => probe === 'cpu')?.measures['utilization_ratio'] !== undefined,
    children,
    ended: await ended,
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
  let checks: readonly ReportedCheck[] = [];
  await until(async () => {
    checks = (await report(socket).catch(() => undefined))?.checks ?? [];
    return (
      checks.filter(({ probe, reason }) => probe === 'disk' && reason === 'hung').length >= MOUNTS
    );
  });
  return checks;
}

async function report(socketPath: string): Promise<Report> {
  const asked = request({ socketPath, path: '/api/v1/report' }).end();
  const [answer] = (await once(asked, 'response')) as [NodeJS.ReadableStream];
  return JSON.parse(await text(answer)) as Report;
}
