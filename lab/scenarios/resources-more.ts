/**
 * Resources, further: a wrong clock that makes a good certificate invalid, storage that stalls, faults of jobs
 * alone.
 */
import { createServer } from 'node:https';

import { daysFromNow } from '../../test/support/certificates.ts';
import { mountDisk, showInProc, unshow } from '../host.ts';
import { publicLeaf } from '../peers/pki.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';
import { memoryText } from './resources-shown.ts';

const OPEN = 'o/o/n/o/o/o/o';
const CONNECTIVITY = ['unknown', 'dns-timeout', 'tcp-connect-timeout', 'gitlab-not-responding'];
const QUICK_DISKS = { disk: '', executor: '' };
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

export const moreResourceRows: readonly Row[] = [
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
