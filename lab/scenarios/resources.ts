/** Resources that are really exhausted: control groups, limits, a frozen file system, the clock. */
import { createServer } from 'node:https';

import { daysFromNow } from '../../test/support/certificates.ts';
import { keepBusy, makeGroup, mountDisk, pressureText, showInProc, unshow } from '../host.ts';
import { killedForMemory } from '../peers/kernel-log.ts';
import { GOOD, publicLeaf } from '../peers/pki.ts';
import { printedFix } from '../printed-fix.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';
import { memoryText } from './resources-shown.ts';

const OPEN = 'o/o/n/o/o/o/o';

const SLOWER = 'od/od/n/od/od/od/o';

const TWO_HOURS = 7_200_000;

/** A reserve for the sockets and the log of the runner. */
const FEW_FILES = 64;

/** The lab's runner is a Node process, and needs more than the real one. */
const LITTLE_MEMORY = '220M';

const CONNECTIVITY = ['unknown', 'dns-timeout', 'tcp-connect-timeout', 'gitlab-not-responding'];

const QUICK_DISKS = { disk: '', executor: '' };

async function inGroup(
  world: World,
  controller: 'cpu' | 'memory' | 'pids',
  settings: Readonly<Record<string, string>>,
): ReturnType<typeof makeGroup> {
  const group = await makeGroup(world, controller);
  await group.add(world.runner.pid());
  for (const [file, text] of Object.entries(settings)) await group.write(file, text);
  return group;
}

/** A process of the group starts one more process than the limit allows. */
async function takeAllTasks(world: World): Promise<void> {
  const group = await inGroup(world, 'pids', {});
  await group.write('pids.max', (await group.read('pids.current')).trim());
}

/** All cores are busy, and the runner comes last. */
async function takeAllCores(world: World): Promise<void> {
  const { network, runner, files } = world;
  await network.run('rn', `renice -n 19 -p ${runner.pid()}`);
  await keepBusy(world, 3);
  await files.write('/pressure/cpu', pressureText(75));
}

/** A job of a shell executor is in the control group of the runner, and takes all of the limit. */
async function giveQuota(world: World): Promise<void> {
  const group = await inGroup(world, 'cpu', { 'cpu.cfs_quota_us': '5000' });
  for (const pid of await keepBusy(world, 1)) await group.add(pid);
}

const DAY = 86_400_000;

/** GitLab's certificate and the Date of its answers; the host's clock is what differs. */
async function serveAt(
  { gitlab }: World,
  dates: Parameters<typeof publicLeaf>[0],
  aheadMilliseconds: number,
): Promise<void> {
  const leaf = publicLeaf(dates);
  await gitlab.replace(() => {
    const tls = { cert: leaf.certificatePem, key: leaf.privateKeyPem };
    return createServer(tls, (request, response) => {
      response.setHeader('Date', new Date(Date.now() + aheadMilliseconds).toUTCString());
      gitlab.application.listener(request, response);
    });
  });
}

/** Pages come and go between swap and memory. */
async function swapInMotion(world: World): Promise<void> {
  let pages = 90_000;
  const tell = async (): Promise<void> =>
    await showInProc(world, 'vmstat', `pswpin ${pages}\npswpout ${pages}\noom_kill 0\n`);
  await tell();
  await showInProc(world, 'meminfo', memoryText({ free: 1, available: 3, swapFree: 20 }));
  const timer = setInterval(() => {
    pages += 4000;
    void tell().catch(() => {});
  }, 400);
  world.adopt({
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await unshow(world, '/proc/vmstat', '/proc/meminfo');
    },
  });
}

/** Another process of the host was killed, as the kernel logs it. */
async function jobKilled(world: World): Promise<void> {
  const said =
    'Memory cgroup out of memory: Killed process 987654 (cc1plus) total-vm:99kB, anon-rss:9kB, file-rss:9kB, shmem-rss:0kB, UID:0 pgtables:9kB oom_score_adj:0';
  await world.files.write('/dev/kmsg', `3,1000,99999999,-;${said}\n`);
  await showInProc(world, 'vmstat', 'pswpin 0\npswpout 0\noom_kill 1\n');
}

/** What systemd sets up: one group of version 2 for the unit, which ends at its TasksMax. */
async function showTasksMax(world: World, refused: number): Promise<void> {
  const folder = '/sys/fs/cgroup/lab.slice';
  await world.network.run(
    'rn',
    `[ -d ${folder} ] || { mount -t tmpfs tmpfs /sys/fs/cgroup && mkdir ${folder}; }`,
  );
  const files = { 'pids.current': 64, 'pids.max': 64, 'pids.events': `max ${refused}` };
  for (const [name, text] of Object.entries(files)) {
    await world.network.run('rn', `printf '%s\\n' '${text}' > ${folder}/${name}`);
  }
  await showInProc(world, `${world.runner.pid()}/cgroup`, '0::/lab.slice\n');
}

export const resourceRows: readonly Row[] = [
  {
    id: 'R-05',
    title: 'the kernel kills the runner at the memory limit of its control group',
    world: { probes: { cgroup: '' } },
    inject: async (world) => {
      await inGroup(world, 'memory', { 'memory.limit_in_bytes': LITTLE_MEMORY });
      await killedForMemory(world, () => world.runner.signal('SIGUSR1'));
    },
    expect: { cause: 'memory-oom-killed', severity: 'critical', chain: OPEN },
    runnerLogs: 'nothing',
    mustNot: ['runner-not-running', 'runner-crash-loop'],
  },
  {
    id: 'R-07',
    title: 'all cores are busy, and the runner waits for one',
    world: { probes: { cpu: '' } },
    needsHistory: true,
    inject: takeAllCores,
    expect: { cause: 'cpu-starved', severity: 'warning', chain: SLOWER },
    mustNot: CONNECTIVITY,
  },
  {
    id: 'R-08',
    title: 'the control group of the runner has a quota of 5 % of a core',
    world: { probes: { cgroup: '', cpu: '' } },
    inject: giveQuota,
    expect: { cause: 'cpu-cgroup-throttled', severity: 'warning', chain: OPEN },
    mustNot: [...CONNECTIVITY, 'cpu-starved'],
  },
  {
    id: 'R-09',
    title: 'the runner has as many files open as it may',
    world: { probes: { limits: '' } },
    inject: async ({ network, runner }) => {
      await network.run('rn', `prlimit --pid ${runner.pid()} --nofile=${FEW_FILES}:${FEW_FILES}`);
      runner.signal('SIGUSR2');
    },
    expect: { cause: 'fd-limit-reached', severity: 'critical', chain: OPEN },
    runnerLogs: /too many open files/,
    mustNot: [...CONNECTIVITY, 'dns-resolver-down', 'dns-server-failure', 'tcp-connection-refused'],
    recover: async ({ runner }) => await runner.restart(),
  },
  {
    id: 'R-09b',
    title: 'the soft limit of open files is low, and the hard one is not',
    world: { probes: { limits: '' } },
    inject: async ({ network, runner }) => {
      await network.run('rn', `prlimit --pid ${runner.pid()} --nofile=${FEW_FILES}:`);
      runner.signal('SIGUSR2');
    },
    expect: { cause: 'fd-limit-reached', severity: 'critical', chain: OPEN },
    runnerLogs: /too many open files/,
    mustNot: [...CONNECTIVITY, 'dns-resolver-down', 'dns-server-failure', 'tcp-connection-refused'],
    fix: printedFix(/prlimit --pid/),
  },
  {
    id: 'R-10',
    title: 'the control group of the runner may start no further task',
    world: { probes: { limits: '' } },
    inject: takeAllTasks,
    expect: { cause: 'pids-limit-reached', severity: 'critical', chain: OPEN },
    runnerLogs: 'nothing',
    mustNot: CONNECTIVITY,
    fix: printedFix(/pids\.max/),
  },
  {
    id: 'R-11',
    title: 'GitLab’s clock is two hours ahead of the host’s',
    inject: async ({ gitlab }) =>
      await gitlab.replace(() => {
        const tls = { cert: GOOD.certificatePem, key: GOOD.privateKeyPem };
        return createServer(tls, (request, response) => {
          response.setHeader('Date', new Date(Date.now() + TWO_HOURS).toUTCString());
          gitlab.application.listener(request, response);
        });
      }),
    expect: { cause: 'clock-skew', severity: 'notice', chain: OPEN },
    mustNot: ['tls-certificate-expired', 'tls-certificate-not-yet-valid', 'token-expired'],
  },
  {
    id: 'R-11b',
    title: 'the host’s clock is two years ahead, so a good certificate counts as expired',
    inject: async (world) =>
      await serveAt(world, { from: daysFromNow(-1000), until: daysFromNow(-400) }, -730 * DAY),
    expect: { cause: 'clock-skew', severity: 'critical', chain: 'o/o/n/F/s/s/s' },
    runnerLogs: /has expired or is not yet valid/,
    mustNot: ['tls-certificate-expired', 'tls-certificate-not-yet-valid', 'unknown'],
  },
  {
    id: 'R-06b',
    title: 'little memory is left, and pages go to swap and back (no PSI)',
    world: { probes: { memory: '' } },
    inject: swapInMotion,
    expect: { cause: 'memory-pressure', severity: 'warning', chain: OPEN },
    mustNot: [...CONNECTIVITY, 'memory-oom-killed'],
  },
  {
    id: 'R-05b',
    title: 'the kernel kills a process of a job, and the runner lives',
    world: { probes: { cgroup: '', memory: '' }, before: jobKilled },
    allowed: [],
  },
  {
    id: 'R-10b',
    title: 'the control group of the runner (version 2) is at TasksMax',
    world: { probes: { limits: '' } },
    inject: async (world) => await showTasksMax(world, 5),
    recover: async (world) => {
      await unshow(world, `/proc/${world.runner.pid()}/cgroup`);
    },
    expect: { cause: 'pids-limit-reached', severity: 'critical', chain: OPEN },
    runnerLogs: 'nothing',
    mustNot: [...CONNECTIVITY, 'memory-pressure'],
  },
  {
    id: 'R-17b',
    title: 'the file system of builds_dir is frozen, and a job hangs in a write to it',
    world: {
      probes: QUICK_DISKS,
      before: async (world) => await mountDisk(world, '/builds'),
    },
    inject: async (world) => {
      const { network, files, adopt } = world;
      const folder = `${files.path}/builds`;
      await network.run('rn', `fsfreeze -f ${folder}`);
      adopt({
        [Symbol.asyncDispose]: async () =>
          void (await network.run('rn', `fsfreeze -u ${folder} || true`)),
      });
      const job = `cd ${folder} && exec dd if=/dev/zero of=written bs=1k count=1`;
      await network.run('rn', `(${job}) >&- 2>&- &`);
    },
    expect: { cause: 'io-stalled', severity: 'critical', chain: OPEN },
    runnerLogs: 'nothing',
    needsHistory: true,
    mustNot: [...CONNECTIVITY, 'cpu-starved', 'runner-hung', 'disk-space-exhausted'],
  },
];
