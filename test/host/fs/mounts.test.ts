import { expect, test } from 'vitest';

import { mountOf, parseMountInfo, readMounts } from '../../../src/host/fs/mounts.ts';
import { rootFolder } from '../../support/dns-server.ts';

/** Lines as kernels write them: optional fields, escapes, a device with a blank. */
const TABLE = [
  '22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw,errors=remount-ro',
  '23 22 0:21 / /proc rw,nosuid,nodev - proc proc rw,hidepid=invisible',
  '40 22 0:35 / /srv/a\\040b\\134c rw master:2 propagate_from:1 - nfs4 nas:/a\\040b rw,vers=4.2',
  '41 22 259:2 /data /data ro,noatime - ext4 /dev/nvme0n1p2 rw',
  '',
].join('\n');

const MOUNTS = parseMountInfo(TABLE);
const [ROOT, PROC, SHARE, DATA] = MOUNTS;

test('each line of mountinfo is a mount; optional fields and escapes are understood', () => {
  expect(MOUNTS).toEqual([
    {
      mountPoint: '/',
      root: '/',
      deviceNumber: '259:2',
      fileSystemType: 'ext4',
      device: '/dev/nvme0n1p2',
      mountOptions: ['rw', 'relatime'],
      superOptions: ['rw', 'errors=remount-ro'],
    },
    {
      mountPoint: '/proc',
      root: '/',
      deviceNumber: '0:21',
      fileSystemType: 'proc',
      device: 'proc',
      mountOptions: ['rw', 'nosuid', 'nodev'],
      superOptions: ['rw', 'hidepid=invisible'],
    },
    {
      mountPoint: '/srv/a b\\c',
      root: '/',
      deviceNumber: '0:35',
      fileSystemType: 'nfs4',
      device: 'nas:/a b',
      mountOptions: ['rw'],
      superOptions: ['rw', 'vers=4.2'],
    },
    {
      mountPoint: '/data',
      root: '/data',
      deviceNumber: '259:2',
      fileSystemType: 'ext4',
      device: '/dev/nvme0n1p2',
      mountOptions: ['ro', 'noatime'],
      superOptions: ['rw'],
    },
  ]);
});

test('lines that are no mount are left out', () => {
  expect(parseMountInfo('garbage\n22 1 0:1 / /x rw\n\n')).toEqual([]);
});

test.each([
  ['/etc/gitlab-runner', ROOT],
  ['/data', DATA],
  ['/data/builds/x', DATA],
  ['/database', ROOT],
  ['/srv/a b\\c/d', SHARE],
  ['/proc/1', PROC],
  ['/', ROOT],
])('%s lies on the nearest mount above it', (path, mount) => {
  expect(mountOf(path, MOUNTS)).toBe(mount);
});

test('of two mounts on one point the later one is seen', () => {
  const [over] = parseMountInfo('50 22 0:9 / /data rw - tmpfs tmpfs rw');

  expect(mountOf('/data/x', [...MOUNTS, ...(over === undefined ? [] : [over])])).toBe(over);
});

test('without any mount a path lies on none', () => {
  expect(mountOf('/data', [])).toBeUndefined();
});

test('the table of the first process is read, else that of this one, else there is none', async () => {
  const one = '1 1 0:1 / /one rw - tmpfs tmpfs rw\n';
  const self = '1 1 0:1 / /self rw - tmpfs tmpfs rw\n';
  await using both = await rootFolder({ '/proc/1/mountinfo': one, '/proc/self/mountinfo': self });
  await using hidden = await rootFolder({ '/proc/self/mountinfo': self });
  await using none = await rootFolder({});

  const tables = await Promise.all([both, hidden, none].map(({ paths }) => readMounts(paths)));

  expect(tables.map((mounts) => mounts.map(({ mountPoint }) => mountPoint))).toEqual([
    ['/one'],
    ['/self'],
    [],
  ]);
});

test('the real table of this host has a root', async () => {
  const mounts = await readMounts({ rootfs: '/', procfs: '/proc', sysfs: '/sys' });

  expect(mountOf('/', mounts)?.mountPoint).toBe('/');
});
