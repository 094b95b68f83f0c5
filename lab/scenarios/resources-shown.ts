/** Resources that cannot be exhausted on this kernel: files of /proc and /sys with the content of another host. */
import { pressureText, show, showInProc, unshow } from '../host.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World } from '../world.ts';

const OPEN = 'o/o/n/o/o/o/o';
const MEMORY_KIB = 16_000_000;
const PERCENT = MEMORY_KIB / 100;
const GROUP = '/sys/fs/cgroup/lab.slice';
const LIMIT = 536_870_912;
const CONNECTIVITY = ['unknown', 'gitlab-not-responding', 'gitlab-slow'];

interface Shares {
  readonly free: number;
  readonly available: number;
  readonly swapFree?: number;
}

/** Shares in percent. */
export function memoryText({ free, available, swapFree = 100 }: Shares): string {
  const lines = {
    MemTotal: MEMORY_KIB,
    MemFree: free * PERCENT,
    MemAvailable: available * PERCENT,
    SwapTotal: MEMORY_KIB,
    SwapFree: swapFree * PERCENT,
  };
  return Object.entries(lines)
    .map(([name, size]) => `${name}: ${size} kB\n`)
    .join('');
}

/** A file of /proc or /sys, shown until the row ends. */
export function showResources(place: string, text: string): Pick<FaultRow, 'inject' | 'recover'> {
  return {
    inject: async (world) => await show(world, place, text),
    recover: async (world) => await unshow(world, place),
  };
}

/** The runner lives in a group of version 2 at its limit, and every further page is taken from another one. */
async function showFullGroup(world: World, hits: number): Promise<void> {
  const { network, runner } = world;
  const files = {
    'memory.current': `${LIMIT}\n`,
    'memory.max': `${LIMIT}\n`,
    'memory.events': `low 0\nhigh 0\nmax ${hits}\noom 0\noom_kill 0\noom_group_kill 0\n`,
    'memory.pressure': pressureText(40, 30),
  };
  await network.run(
    'rn',
    `[ -d ${GROUP} ] || { mount -t tmpfs tmpfs /sys/fs/cgroup && mkdir ${GROUP}; }`,
  );
  for (const [name, text] of Object.entries(files)) {
    await network.run('rn', `printf '%s' '${text}' > ${GROUP}/${name}`);
  }
  await showInProc(world, `${runner.pid()}/cgroup`, '0::/lab.slice\n');
}

/** The limit is hit again and again. */
async function fullGroup(world: World): Promise<void> {
  let hits = 1;
  await showFullGroup(world, hits);
  const timer = setInterval(() => {
    hits += 50;
    void showFullGroup(world, hits).catch(() => {});
  }, 500);
  world.adopt({
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await unshow(world, `/proc/${world.runner.pid()}/cgroup`);
    },
  });
}

/** Kernels before 5.6 let a handshake wait for random numbers; no later one does. */
async function showKernel(world: World, release: string): Promise<void> {
  await showInProc(world, 'sys/kernel/osrelease', `${release}\n`);
  await showInProc(world, 'sys/kernel/random/entropy_avail', '12\n');
}

export const shownResourceRows: readonly Row[] = [
  {
    id: 'R-06',
    title: 'three percent of the memory are left, and all tasks wait for it',
    world: { probes: { memory: '' } },
    inject: async (world) => {
      await showInProc(world, 'meminfo', memoryText({ free: 1, available: 3 }));
      await world.files.write('/pressure/memory', pressureText(40, 25));
    },
    recover: async (world) => await unshow(world, '/proc/meminfo'),
    expect: { cause: 'memory-pressure', severity: 'warning', chain: OPEN },
    mustNot: [...CONNECTIVITY, 'memory-oom-killed'],
  },
  {
    id: 'R-17',
    title: 'the table of open files of the whole host is full',
    world: { probes: { limits: '' } },
    ...showResources('/proc/sys/fs/file-nr', '98000 0 98304\n'),
    expect: { cause: 'fd-system-limit-reached', severity: 'critical' },
    runnerLogs: 'nothing',
    mustNot: ['fd-limit-reached'],
  },
  {
    id: 'R-19',
    title: 'the load is 40, and hardly a task waits for a core',
    world: {
      probes: { cpu: '', limits: '' },
      before: async (world) => {
        await showInProc(world, 'loadavg', '40.00 30.00 20.00 2/300 12345\n');
        await world.files.write('/pressure/cpu', pressureText(3));
      },
    },
    allowed: [],
  },
  {
    id: 'R-20',
    title: 'the control group of the runner (version 2) is at its memory limit',
    world: { probes: { cgroup: '' } },
    inject: fullGroup,
    expect: { cause: 'memory-cgroup-limit', severity: 'warning', chain: OPEN },
    mustNot: [...CONNECTIVITY, 'memory-oom-killed'],
  },
  {
    id: 'R-21',
    title: 'an old kernel has 12 bits of entropy',
    world: { probes: { limits: '' } },
    inject: async (world) => await showKernel(world, '4.19.0-27-amd64'),
    recover: async (world) =>
      await unshow(world, '/proc/sys/kernel/osrelease', '/proc/sys/kernel/random/entropy_avail'),
    expect: { cause: 'entropy-starved', severity: 'notice', chain: OPEN },
    mustNot: CONNECTIVITY,
  },
  {
    id: 'R-21b',
    title: 'a new kernel has 12 bits of entropy, and no process waits for more',
    world: {
      probes: { limits: '' },
      before: async (world) => await showKernel(world, '6.18.1-amd64'),
    },
    allowed: [],
  },
];
