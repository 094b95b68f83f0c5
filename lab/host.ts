/** Changes to the runner's host other than the network: file systems, /proc, control groups, systemd. */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { World } from './world.ts';

const PAUSE_MILLISECONDS = 20;

interface SmallDisk {
  readonly mebibytes?: number;
  readonly inodes?: number;
}

/** A real ext4 of its own at a place of the host; called again it leaves it as it is. Its content stays. */
export async function mountDisk(world: World, place: string, disk: SmallDisk = {}): Promise<void> {
  const { mebibytes = 16, inodes } = disk;
  const { path } = world.files;
  const image = `${path}-${place.replaceAll('/', '-')}.img`;
  const nodes = inodes === undefined ? '' : `-N ${inodes}`;
  const folder = `${path}${place}`;
  const before = `${path}-before`;
  const script = [
    `mountpoint -q ${folder} && exit 0`,
    `mkdir -p ${folder} ${before} && truncate -s ${mebibytes}M ${image}`,
    `mkfs.ext4 -q -F -m 0 ${nodes} ${image} && cp -a ${folder}/. ${before}`,
    `mount -o loop ${image} ${folder} && cp -a ${before}/. ${folder} && rm -r ${before}`,
  ];
  await world.network.run('rn', script.join('\n'));
  await writeMountInfo(world);
}

export async function mountTmpfs(world: World, place: string, options: string): Promise<void> {
  const folder = `${world.files.path}${place}`;
  const mount = `mkdir -p ${folder} && mount -t tmpfs -o ${options} tmpfs ${folder}`;
  await world.network.run('rn', `mountpoint -q ${folder} || (${mount})`);
  await writeMountInfo(world);
}

/**
 * The mount table of a host whose root is our folder: the kernel's own lines with the folder cut off, shown as
 * those of process 1.
 */
export async function writeMountInfo({
  network,
  files,
}: Pick<World, 'network' | 'files'>): Promise<void> {
  const table = await network.run('rn', 'cat /proc/self/mountinfo');
  const lines = table.split('\n').flatMap((line) => {
    const args = line.split(' ');
    const [point = ''] = args.slice(4);
    if (point === dirname(files.path)) return [args.with(4, '/').join(' ')];
    if (!point.startsWith(`${files.path}/`)) return [];
    return [args.with(4, point.slice(files.path.length)).join(' ')];
  });
  await showInProc({ network, files }, '1/mountinfo', `${lines.join('\n')}\n`);
}

/** Writes until there is no room. */
export async function fillDisk({ network, files }: World, place: string): Promise<void> {
  await network.run('rn', `head -c 256M /dev/zero > ${files.path}${place}/fill 2>&- || true`);
}

export async function takeInodes({ network, files }: World, place: string): Promise<void> {
  const name = `${files.path}${place}/fill`;
  await network.run('rn', `n=0; while touch ${name}$n 2>&-; do n=$((n + 1)); done || true`);
}

export async function emptyDisk({ network, files }: World, place: string): Promise<void> {
  await network.run('rn', `rm -f ${files.path}${place}/fill*`);
}

/** Shows a file of /proc or /sys with the content of another host, to every process of this world. */
export async function show(
  { network, files }: Pick<World, 'network' | 'files'>,
  place: string,
  text: string,
): Promise<void> {
  const file = `${files.path}${place.replaceAll('/', '-')}`;
  // Written in place: what is mounted already shows it.
  await writeFile(file, text);
  const isShown = `grep -qF ' ${place} ' /proc/self/mountinfo`;
  await network.run('rn', `${isShown} || mount --bind ${file} ${place}`);
}

export async function showInProc(
  world: Pick<World, 'network' | 'files'>,
  name: string,
  text: string,
): Promise<void> {
  await show(world, `/proc/${name}`, text);
}

/** The kernel's own file again. */
export async function unshow({ network }: World, ...places: readonly string[]): Promise<void> {
  for (const place of places) await network.run('rn', `umount ${place}`);
}

/** The content of a pressure file: the share of the last minute, in percent. */
export function pressureText(some: number, full = 0): string {
  return `${pressureLine('some', some)}${pressureLine('full', full)}`;
}

function pressureLine(name: string, percent: number): string {
  const share = percent.toFixed(2);
  return `${name} avg10=${share} avg60=${share} avg300=${share} total=1\n`;
}

export interface LabGroup {
  read(file: string): Promise<string>;
  write(file: string, text: string): Promise<void>;
  add(pid: number): Promise<void>;
}

/** A real control group, version 1, that the runner's host sees; it goes when the world is restored. */
export async function makeGroup(
  { network, adopt }: World,
  controller: 'cpu' | 'memory' | 'pids',
): Promise<LabGroup> {
  const root = join('/sys/fs/cgroup', controller);
  const folder = join(root, `lab-${randomUUID()}`);
  await mkdir(folder);
  adopt({ [Symbol.asyncDispose]: async () => await removeGroup(folder, root) });
  const room = 'mount -t tmpfs tmpfs /sys/fs/cgroup';
  const seen = `mkdir -p ${root} 2>&- || { ${room} && mkdir -p ${root}; }`;
  await network.run('rn', `${seen}\nmount -t cgroup -o ${controller} cgroup ${root}`);
  const write = async (file: string, text: string): Promise<void> =>
    await writeFile(join(folder, file), text);
  return {
    read: async (file) => await readFile(join(folder, file), 'utf8'),
    write,
    add: async (pid) => await write('cgroup.procs', String(pid)),
  };
}

/** Its members move up; the kernel takes a moment to release the last one. */
async function removeGroup(folder: string, root: string): Promise<void> {
  for (;;) {
    const pids = (await readFile(join(folder, 'cgroup.procs'), 'utf8')).split('\n').filter(Boolean);
    for (const pid of pids) await writeFile(join(root, 'cgroup.procs'), pid).catch(() => {});
    try {
      await rmdir(folder);
      return;
    } catch {
      await delay(PAUSE_MILLISECONDS);
    }
  }
}

/** So many programs that never rest, until the world is restored. */
export async function keepBusy(
  { network, adopt }: World,
  count: number,
): Promise<readonly number[]> {
  const start = '(while :; do :; done) >&- 2>&- & echo $!';
  const said = await network.run('rn', `for n in $(seq ${count}); do ${start}; done`);
  const pids = said.trim().split('\n').map(Number);
  adopt({
    [Symbol.asyncDispose]: async () => void (await network.run('rn', `kill -9 ${pids.join(' ')}`)),
  });
  return pids;
}

/** A host with systemd: `systemctl` reports these properties of the runner's unit. */
export async function writeUnit(
  { files }: World,
  properties: Readonly<Record<string, string | number>> = {},
): Promise<void> {
  const all = {
    LoadState: 'loaded',
    ActiveState: 'active',
    SubState: 'running',
    MainPID: 0,
    NRestarts: 0,
    Result: 'success',
    ...properties,
  };
  const lines = Object.entries(all).map(([key, value]) => `${key}=${value}`);
  await files.write('/run/systemd/system/mark', '');
  const text = '[Service]\nExecStart=/usr/bin/gitlab-runner run\n';
  await files.write('/etc/systemd/system/gitlab-runner.service', text);
  await files.write('/shims/unit', `${lines.join('\n')}\n`);
  await files.write('/shims/systemctl', '#!/bin/sh\ncat "${0%/*}/unit"\n', 0o755);
}
