/**
 * The control group of a row with a real engine: below it are those of its containers. The processes of the row take it
 * for the root, so that a container is in `/docker/ID` as on any host. The kernel removes no control group by itself:
 * who runs the row does it after the row has ended.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const GROUP_VARIABLE = 'RUNNERWATCH_LAB_GROUP';
const PAUSE_MILLISECONDS = 20;

interface Hierarchy {
  readonly mountPoint: string;
  readonly type: 'cgroup' | 'cgroup2';
  /** Options of mount that select it. */
  readonly options: string;
}

/** Those that are mounted here, version 1 and 2. */
function hierarchies(): readonly Hierarchy[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const found = lines.flatMap((line): Hierarchy[] => {
    const [args = '', source = ''] = line.split(' - ');
    const [type = '', , words = ''] = source.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    const own = words.split(',').filter((word) => !/^(?:rw|ro|xattr|nsdelegate)/.test(word));
    const isNamed = own.some((word) => word.startsWith('name='));
    const options = [...(isNamed ? ['none'] : []), ...own].join(',');
    return [{ mountPoint: args.split(' ')[4] ?? '', type, options }];
  });
  return [...new Map(found.map((one) => [one.mountPoint, one])).values()];
}

/** Mounts all of them again, as the processes of the row see them. */
export function mountGroups(): readonly string[] {
  return hierarchies().map(({ mountPoint, type, options }) => {
    const selects = type === 'cgroup' ? ` -o ${options}` : '';
    return `mkdir -p ${mountPoint} && mount -t ${type}${selects} cgroup ${mountPoint}`;
  });
}

/** The folder of the group in each hierarchy: below the one that this process is in. */
function foldersOf(name: string): readonly string[] {
  const own = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n');
  return hierarchies().flatMap(({ mountPoint, type, options }) => {
    const wanted = type === 'cgroup2' ? '' : options.replace(/^none,/, '');
    const line = own.find((text) => text.split(':')[1] === wanted);
    const place = line?.split(':')[2];
    return place === undefined ? [] : [join(mountPoint, place, name)];
  });
}

/** The calling process moves there; its children begin there. */
export async function enterGroup(name: string): Promise<void> {
  for (const folder of foldersOf(name)) {
    await mkdir(folder);
    // A new one of version 1 has neither processors nor memory nodes.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (!existsSync(join(folder, file))) continue;
      await writeFile(join(folder, file), await readFile(join(folder, '..', file)));
    }
    await writeFile(join(folder, 'cgroup.procs'), '0');
  }
}

/** With all below it, once the kernel has released their last process. */
export async function removeGroup(name: string): Promise<void> {
  for (const folder of foldersOf(name)) if (existsSync(folder)) await removeBelow(folder);
}

async function removeBelow(folder: string): Promise<void> {
  const inside = await readdir(folder, { withFileTypes: true });
  for (const one of inside) if (one.isDirectory()) await removeBelow(join(folder, one.name));
  for (;;) {
    try {
      await rmdir(folder);
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EBUSY')) throw error;
      await delay(PAUSE_MILLISECONDS);
    }
  }
}
