/** Runs the program on the demo host with one fault on, and returns its output with stable values. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DEMO_FAULTS } from '../../src/demo/faults.ts';
import type { DemoHost } from '../../src/demo/demo-host.ts';
import { buildDemoHost, DEMO_CONFIG } from '../../src/demo/demo-host.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const FAULT = 'unknown-authority';
/** What `check` exits with when something is critical. */
const EXIT_CRITICAL = 2;
const BLOCK =
  /(?<head><!-- example: [^\n]*-->\n```text\n\$ runnerwatch check\n)[^`]*(?<tail>```\n)/;

/** This machine may be busy or full; the example is about GitLab. */
const CALM = `
[probes.cpu]
starved_pressure_ratio = 1
[probes.memory]
short_available_ratio = 0.001
full_pressure_ratio = 1
[probes.disk]
full_ratio = 0
full_bytes = 0
low_ratio = 0
`;

/** What `runnerwatch check` prints; ports, times and process ids are replaced by constants. */
export async function brokenTrust(): Promise<string> {
  await using stage = await buildDemoHost();
  await DEMO_FAULTS.find(({ id }) => id === FAULT)?.on(stage);
  return normalizeOutput(await check(stage));
}

/** The text of the readme with this output in its marked block. */
export function withExample(readme: string, output: string): string {
  if (!BLOCK.test(readme)) throw new Error('README.md has no block marked <!-- example: … -->');
  return readme.replace(BLOCK, (_all, head: string, tail: string) => `${head}${output}${tail}`);
}

async function check({ rootfs, procfs }: DemoHost): Promise<string> {
  const settings = join(rootfs, 'calm.toml');
  await writeFile(settings, CALM);
  const flags = {
    'path.rootfs': rootfs,
    'path.procfs': procfs,
    'runner.config': DEMO_CONFIG,
    'config.file': settings,
    'state.directory': join(rootfs, 'state'),
  };
  const words = ['check', ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  execFile(process.execPath, [MAIN, ...words], (error, stdout, stderr) => {
    if (error?.code === EXIT_CRITICAL) resolve(stdout);
    else reject(new Error(`check ended with ${error?.code ?? 0}: ${stdout}${stderr}`));
  });
  return await promise;
}

function normalizeOutput(text: string): string {
  return text
    .replaceAll(DEMO_CONFIG.replace('/config.toml', ''), '/etc/gitlab-runner')
    .replaceAll(/\.test:\d+/g, '.test')
    .replaceAll(/since \d+ m?s/g, 'since 1 s')
    .replaceAll(/runner process\s+\d+,\s+runnerwatch/g, 'runner process 4711,\n  runnerwatch');
}
