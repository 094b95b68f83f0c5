/** Real engines with the runner in a container: each place that the rows of this family are about. */
import { readFile, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import type { ContainerSetup } from '../container/place.ts';
import type { ProofRow, Row } from '../scenario.ts';
import type { World } from '../world.ts';

const PLACES: Readonly<Record<string, ContainerSetup>> = {
  'Docker, network of the host': { engine: 'docker' },
  'Docker, bridge': { engine: 'docker', isBridged: true },
  'Docker, named volume': { engine: 'docker', isBridged: true, hasNamedVolume: true },
  'podman, network of the host': { engine: 'podman' },
  'podman, bridge': { engine: 'podman', isBridged: true },
};
const PATIENCE_MILLISECONDS = 60_000;
const PAUSE_MILLISECONDS = 100;
const GROUPS: Readonly<Record<ContainerSetup['engine'], RegExp>> = {
  docker: /:\/docker\/[\da-f]{64}$/m,
  podman: /:\/libpod_parent\/libpod-[\da-f]{64}$/m,
};

async function lacksIn(setup: ContainerSetup, world: World): Promise<readonly string[]> {
  const { network, runner } = world;
  const pid = runner.pid();
  const groups = await network.run('rn', `cat /proc/${pid}/cgroup`);
  const own = (await network.run('rn', 'readlink /proc/self/ns/net')).trim();
  const isShared = (await readlink(`/proc/${pid}/ns/net`)) === own;
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, 2).join(' ');
  return [
    ...((await polls(world)) ? [] : [`it does not poll: ${await runner.log()}`]),
    ...(GROUPS[setup.engine].test(groups) ? [] : [`its control groups are ${groups}`]),
    ...(isShared === (setup.isBridged !== true) ? [] : ['it is in the wrong network']),
    ...(words === 'gitlab-runner run' ? [] : [`its command line is ${words}`]),
  ];
}

async function polls({ gitlab }: World): Promise<boolean> {
  const until = Date.now() + PATIENCE_MILLISECONDS;
  while (Date.now() < until) {
    if (gitlab.application.requests.some(({ path }) => path.endsWith('/jobs/request'))) return true;
    await delay(PAUSE_MILLISECONDS);
  }
  return false;
}

const proofs: readonly ProofRow[] = Object.entries(PLACES).map(([name, container], index) => ({
  id: `W-0${index + 1}`,
  title: `the lab has a runner in a container that polls: ${name}`,
  world: { container },
  lacks: async (world) => await lacksIn(container, world),
}));

export const engineRows: readonly Row[] = proofs;
