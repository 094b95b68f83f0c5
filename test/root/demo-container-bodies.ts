/** The demo with a runner in a container of a real engine: a tour, and what is left on its host afterwards. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

import type { EngineName } from '../../lab/container/engine.ts';
import { ENGINE_FILES, startEngine } from '../../lab/container/engine.ts';
import { enterGroup } from '../../lab/container/group.ts';
import { mountOwnRoot } from '../../lab/container/place.ts';
import { createNetwork } from '../../lab/network.ts';
import { RootFiles } from '../../lab/root-files.ts';
import type { DemoProcess } from '../support/demo-process.ts';
import { startDemo } from '../support/demo-process.ts';
import { programArguments } from '../support/program-arguments.ts';
import { runBody } from '../support/run-body.ts';
import { until } from '../support/until.ts';

const execute = promisify(execFile);
const HOST = '/mnt/host';
const DEMO = programArguments(['demo', '--container'], '/tmp');

export interface DemoFaultName {
  readonly id: string;
  readonly cause: string;
}

export interface Refusal {
  readonly exitCode: unknown;
  readonly said: string;
}

export interface Tour {
  /** Reports by fault. */
  readonly reports: Readonly<Record<string, string>>;
  readonly exitCode: number | null;
  /** Its own containers, images and folders while it runs, and all after its end. */
  readonly during: readonly string[];
  readonly left: readonly string[];
}

/** On a host of its own with such an engine. */
export async function tourOnOwnHost(
  engineName: EngineName,
  group: string,
  faults: readonly DemoFaultName[],
): Promise<Tour & { readonly refusal: Refusal }> {
  // Of this mount namespace: what is written there goes with it.
  await execute('mount', ['-t', 'tmpfs', 'tmpfs', '/mnt']);
  await enterGroup(group);
  await mountOwnRoot(HOST);
  await using network = await createNetwork(HOST);
  await RootFiles.create(HOST, ENGINE_FILES[engineName], '/etc/gitlab-runner');
  const refusal = await refusalBy(network.prefix('rn'));
  await using engine = await startEngine(network, engineName);
  await network.run('rn', `head -c 1024 /dev/zero | ${engineName} import - theirs`);
  await engine.run('create --name gitlab-runner theirs gitlab-runner run');
  const toured = await runBody(import.meta.url, tour, [engineName, faults], {
    prefix: network.prefix('rn'),
  });
  return { ...toured, refusal };
}

export async function tour(
  engineName: EngineName,
  faults: readonly DemoFaultName[],
): Promise<Tour> {
  const theirs = await madeThings(engineName);
  await using demo = await startDemo({ command: DEMO });
  await untilHealthy(demo);
  const during = (await madeThings(engineName)).filter((one) => !theirs.includes(one));
  const reports: Record<string, string> = {};
  for (const { id, cause } of faults) {
    await demo.press(id);
    await demo.until('health', (text) => text.includes(`"${cause}"`));
    reports[id] = await demo.until('health?format=text', (text) => text.includes(cause));
    // By the hand of an operator, as the report says.
    if (id === 'container-gone') await execute(engineName, ['start', during[0] ?? '']);
    else await demo.press('none');
    await untilHealthy(demo);
  }
  const exitCode = await demo.end('SIGTERM');
  const left = await madeThings(engineName);
  await killDemo(engineName);
  return { reports, exitCode, during, left };
}

/** Nobody removes its container then, but the runner in it ends. */
async function killDemo(engineName: EngineName): Promise<void> {
  await using demo = await startDemo({ command: DEMO });
  await demo.end('SIGKILL');
  await until(async () => (await execute(engineName, ['ps', '-q'])).stdout === '');
}

/** While no engine answers. */
async function refusalBy(prefix: readonly string[]): Promise<Refusal> {
  const [program = '', ...words] = [...prefix, ...DEMO];
  const { PATH } = process.env;
  const child = spawn(program, words, { env: { PATH }, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, complaint, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[unknown]>,
  ]);
  return { exitCode, said: out + complaint };
}

async function untilHealthy(demo: DemoProcess): Promise<void> {
  await demo.until('health', (text) => text.includes('"status": "pass",\n  "version"'));
}

async function madeThings(engineName: EngineName): Promise<readonly string[]> {
  const { stdout: containers } = await execute(engineName, ['ps', '-a', '--format', '{{.Names}}']);
  const { stdout: images } = await execute(engineName, [
    'images',
    '-a',
    '--format',
    '{{.Repository}}',
  ]);
  const folders = await readdir('/tmp');
  return [
    ...containers.split('\n'),
    ...images.split('\n'),
    ...folders.filter((one) => one.startsWith('runnerwatch-')),
  ].filter(Boolean);
}
