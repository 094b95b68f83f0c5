/** Disks that are really full or read-only. */
import { emptyDisk, fillDisk, mountDisk, mountTmpfs, takeInodes, writeMountInfo } from '../host.ts';
import { dockerOf } from '../peers/docker.ts';
import { printedFix } from '../printed-fix.ts';
import { usualEntry } from '../runner-config.ts';
import type { FaultRow, Row } from '../scenario.ts';
import type { World } from '../world.ts';

const OPEN = 'o/o/n/o/o/o/o';

const CONFIG_FOLDER = '/etc/gitlab-runner';

const DOCKER_ROOT = '/var/lib/docker';

const CONNECTIVITY = ['unknown', 'dns-timeout', 'tcp-connect-timeout', 'gitlab-not-responding'];

const QUICK_DISKS = { disk: '', executor: '' };

/** It reaches GitLab and can run no job. */
const noJobs = { severity: 'warning', chain: OPEN, verdict: 'broken' } as const;

/** As a job of the entry leaves it. */
async function workingCopyIn({ files, entries, network }: World): Promise<string> {
  const folder = `/builds/${entries[0]?.token.slice(5, 14) ?? ''}/0/group/project`;
  await network.run('rn', `mkdir -p ${files.path}${folder}`);
  return folder;
}

/** Enough for a job that fetches little, and below the share that counts as full. */
async function leaveRoom({ files, network }: World, file: string): Promise<void> {
  await network.run('rn', `truncate -s -2M ${files.path}${file}`);
}

/** The printed command, and what the kernel then shows of it. */
function printedThen(reported: RegExp, then: (world: World) => Promise<void>) {
  const fix = printedFix(reported);
  return {
    ...fix,
    apply: async (world: World): Promise<void> => {
      await fix.apply(world);
      await then(world);
    },
  };
}

/** A separate disk at a path, filled with data or with inodes. */
function fullDisk(
  place: string,
  fill: (world: World, place: string) => Promise<void>,
  mount: (world: World, place: string) => Promise<void> = mountDisk,
): Pick<FaultRow, 'world' | 'inject' | 'recover'> {
  return {
    world: { probes: QUICK_DISKS, before: async (world) => await mount(world, place) },
    inject: async (world) => await fill(world, place),
    recover: async (world) => await emptyDisk(world, place),
  };
}

export const diskRows: readonly Row[] = [
  {
    id: 'R-01',
    title: 'the file system of builds_dir is full',
    ...fullDisk('/builds', async (world) => await fillDisk(world, await workingCopyIn(world))),
    expect: {
      ...noJobs,
      cause: 'disk-space-exhausted',
      says: /builds_dir of shell-1/,
    },
    mustNot: [...CONNECTIVITY, 'disk-inodes-exhausted'],
    fix: printedFix(/rm -rf/),
  },
  {
    id: 'R-01b',
    title: 'the file system of builds_dir is full by its share, and a job still has room',
    ...fullDisk(
      '/builds',
      async (world) => {
        await fillDisk(world, '/builds');
        await leaveRoom(world, '/builds/fill');
      },
      async (world, place) => await mountDisk(world, place, { mebibytes: 64 }),
    ),
    expect: {
      cause: 'disk-space-exhausted',
      severity: 'warning',
      chain: OPEN,
      verdict: 'degraded',
    },
    mustNot: [...CONNECTIVITY, 'disk-inodes-exhausted'],
  },
  {
    id: 'R-02',
    title: 'the file system of builds_dir has no inodes left',
    ...fullDisk(
      '/builds',
      async (world) => await takeInodes(world, await workingCopyIn(world)),
      async (world, place) => mountDisk(world, place, { inodes: 64 }),
    ),
    expect: { ...noJobs, cause: 'disk-inodes-exhausted' },
    mustNot: [...CONNECTIVITY, 'disk-space-exhausted'],
    fix: printedFix(/rm -rf/),
  },
  {
    id: 'R-03',
    title: 'Docker’s root is full',
    ...fullDisk(DOCKER_ROOT, fillDisk),
    world: {
      entries: [usualEntry({ executor: 'docker', more: '  [runners.docker]\n    image = "a"' })],
      probes: QUICK_DISKS,
      before: async (world) => {
        await mountDisk(world, DOCKER_ROOT);
        await dockerOf(world).setAnswers();
      },
    },
    expect: { cause: 'disk-docker-root-full', severity: 'warning', chain: OPEN },
    mustNot: [...CONNECTIVITY, 'docker-daemon-down'],
  },
  {
    id: 'R-04',
    title: 'the file system of the config folder was remounted read-only',
    world: {
      probes: QUICK_DISKS,
      before: async (world) => await mountDisk(world, CONFIG_FOLDER),
    },
    inject: async (world) => await remount(world, 'ro'),
    recover: async (world) => await remount(world, 'rw'),
    expect: { cause: 'disk-read-only', severity: 'critical', chain: OPEN },
    runnerLogs: 'nothing',
    mustNot: [...CONNECTIVITY, 'config-unreadable'],
  },
  {
    id: 'R-04b',
    title: 'the same, and the printed command mounts it writable again',
    world: {
      probes: QUICK_DISKS,
      before: async (world) => await mountDisk(world, CONFIG_FOLDER),
    },
    inject: async (world) => await remount(world, 'ro'),
    expect: { cause: 'disk-read-only', severity: 'critical', chain: OPEN },
    runnerLogs: 'nothing',
    mustNot: [...CONNECTIVITY, 'config-unreadable'],
    fix: printedThen(/mount -o remount,rw/, writeMountInfo),
  },
  {
    id: 'R-13',
    title: '/tmp is a memory file system without inodes left',
    ...fullDisk('/tmp', takeInodes, async (world, place) =>
      mountTmpfs(world, place, 'size=4m,nr_inodes=40'),
    ),
    expect: { cause: 'disk-inodes-exhausted', severity: 'warning', chain: OPEN, says: /\/tmp/ },
    mustNot: [...CONNECTIVITY, 'disk-space-exhausted'],
  },
];

async function remount(world: World, mode: 'ro' | 'rw'): Promise<void> {
  const { network, files } = world;
  await network.run('rn', `mount -o remount,${mode} ${files.path}${CONFIG_FOLDER}`);
  await writeMountInfo(world);
}
