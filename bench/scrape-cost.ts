/**
 * What does a host cost Prometheus? `npm run bench` scrapes a running daemon and, in the same minute, Debian's
 * node_exporter (apt-get install prometheus-node-exporter), and prints the table of docs/fleet.md. The ratio counts:
 * it hardly depends on the machine.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import { createExporter } from '../src/metrics/exporter.ts';
import { ALL_PROBES } from '../src/cli/all-probes.ts';
import { seriesOf } from '../test/support/exposition.ts';
import { sendRequest } from '../test/support/http-client.ts';
import { programStage } from '../test/support/program-stage.ts';
import { startProgram } from '../test/support/program.ts';
import { runner, snapshotOf } from '../test/support/snapshots.ts';
import { closedPort } from '../test/support/tcp-server.ts';
import { until } from '../test/support/until.ts';
import { withMeasures, viewOf } from '../test/support/views.ts';

const SCRAPES = 200;
const PAUSE_MILLISECONDS = 50;
const TICKS_PER_SECOND = 100;

interface Cost {
  readonly name: string;
  readonly series: number;
  readonly kilobytes: number;
  readonly compressed: number;
  readonly medianMilliseconds: number;
  readonly slowMilliseconds: number;
  readonly cpuMilliseconds: number;
}

async function costOf(name: string, url: string, pid: number): Promise<Cost> {
  const idle = await cpuDuring(pid, async () => await delay(SCRAPES * PAUSE_MILLISECONDS));
  const times: number[] = [];
  const busy = await cpuDuring(pid, async () => {
    for (let scrape = 0; scrape < SCRAPES; scrape += 1) {
      const start = performance.now();
      await sendRequest(url);
      times.push(performance.now() - start);
      await delay(Math.max(0, PAUSE_MILLISECONDS - (performance.now() - start)));
    }
  });
  const { body, text } = await sendRequest(url);
  times.sort((a, b) => a - b);
  return {
    name,
    series: text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length,
    kilobytes: body.length / 1000,
    compressed: gzipSync(body).length / 1000,
    medianMilliseconds: times[Math.floor(SCRAPES / 2)] ?? 0,
    slowMilliseconds: times[Math.floor(SCRAPES * 0.99)] ?? 0,
    cpuMilliseconds: (Math.max(0, busy - idle) / SCRAPES) * 1000,
  };
}

/** Processor time of a process while something goes on, in seconds. */
async function cpuDuring(pid: number, act: () => Promise<void>): Promise<number> {
  const before = cpuOf(pid);
  await act();
  return cpuOf(pid) - before;
}

function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function ofRunnerwatch(): Promise<Cost> {
  await using scene = await programStage();
  const flags = scene.flags.filter((flag) => !flag.startsWith('--config.file'));
  await using program = startProgram(['serve', ...flags, '--web.listen-address=127.0.0.1:0']);
  const [, address = ''] = await program.until(/(http:\/\/127\.0\.0\.1:\d+)/);
  await until(async () => (await sendRequest(`${address}/-/ready`)).status === 200);
  return await costOf('runnerwatch, 3 entries', `${address}/metrics`, program.pid);
}

async function ofNodeExporter(): Promise<Cost> {
  const address = `127.0.0.1:${await closedPort()}`;
  const child = spawn('prometheus-node-exporter', [`--web.listen-address=${address}`], {
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  try {
    const url = `http://${address}/metrics`;
    await until(async () => (await sendRequest(url).catch(() => undefined))?.status === 200);
    return await costOf('node_exporter', url, child.pid ?? 0);
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}

/** Of a host whose every measure has a value. */
async function seriesWith(entries: number): Promise<number> {
  const runners = Array.from({ length: entries }, (_, index) => runner(`r${index}`));
  const view = viewOf(withMeasures(snapshotOf({}, { runners })));
  return seriesOf((await createExporter(ALL_PROBES).render(view, 'text')).body).length;
}

function rowOf(cells: readonly (string | number)[]): string {
  return `| ${cells.map((cell) => (typeof cell === 'number' ? shown(cell) : cell)).join(' | ')} |`;
}

function shown(value: number): string {
  return value < 10 ? value.toFixed(2) : String(Math.round(value));
}

const own = await ofRunnerwatch();
const peer = await ofNodeExporter();
const keys = [
  ['series', 'series'],
  ['page, kB', 'kilobytes'],
  ['page compressed, kB', 'compressed'],
  ['scrape, median, ms', 'medianMilliseconds'],
  ['scrape, 99th percentile, ms', 'slowMilliseconds'],
  ['processor time of a scrape, ms', 'cpuMilliseconds'],
] as const;
process.stdout.write(
  [
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? ''}, Node ${process.versions.node}`,
    '',
    rowOf(['', own.name, peer.name, 'ratio']),
    rowOf(['---', '---', '---', '---']),
    ...keys.map(([label, key]) => rowOf([label, own[key], peer[key], own[key] / peer[key]])),
    '',
    rowOf(['entries in config.toml', 'series']),
    rowOf(['---', '---']),
    ...(await Promise.all([1, 3, 50, 500].map(async (n) => rowOf([`${n}`, await seriesWith(n)])))),
    '',
  ].join('\n'),
);
