/**
 * A root folder of its own for the runner's host of a row with a real engine, so that engine, runner and runnerwatch
 * meet at the usual paths and no flag is needed. Programs are those of this machine, read-only; all else is in memory.
 */
import { join } from 'node:path';

import { mountGroups } from './group.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const FOLDERS =
  'usr proc sys dev run/podman tmp root srv etc/ssl/certs var/log var/lib var/tmp old';
/** Programs, users and what the programs read of both; nothing that says what is set up on this machine. */
const COPIED = 'alternatives ld.so.cache passwd group containers cni';

/** Run by a shell in new mount, network and control group namespaces; prints a line when all is there. */
export function ownRootScript(root: string): string {
  return [
    `cd ${root}`,
    `mkdir -p ${FOLDERS} .${REPOSITORY}`,
    'chmod 1777 tmp var/tmp',
    'for name in bin sbin lib lib64; do ln -s usr/$name $name; done',
    'ln -s /run var/run',
    'mount --bind /usr usr && mount -o remount,bind,ro usr',
    `mount --bind ${REPOSITORY} .${REPOSITORY} && mount -o remount,bind,ro .${REPOSITORY}`,
    `for name in ${COPIED}; do test ! -e /etc/$name || cp -a /etc/$name etc/; done`,
    'mount --rbind /dev dev',
    // The kernel names the processes of other rows in its log.
    ': >run/kmsg && mount --bind run/kmsg dev/kmsg',
    'mount -t proc proc proc',
    'mount -t sysfs sysfs sys',
    'pivot_root . old',
    'umount -l /old && rmdir /old',
    'mount -t tmpfs tmpfs /sys/fs/cgroup',
    ...mountGroups(),
    // As systemd makes it: a volume with the option rslave needs it.
    'mount --make-rshared /',
    // The first process is the worker of the lab, which has the mounts of this machine.
    'mount --bind /proc/$$/mountinfo /proc/1/mountinfo',
    'echo ready && exec sleep infinity',
  ].join('\n');
}
