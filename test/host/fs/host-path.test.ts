import { expect, test } from 'vitest';

import { hostPathOf } from '../../../src/host/fs/host-path.ts';
import { parseMountInfo } from '../../../src/host/fs/mounts.ts';

const HOST = parseMountInfo(
  [
    '22 1 259:2 / / rw - ext4 /dev/nvme0n1p2 rw',
    '30 22 259:3 / /srv rw - ext4 /dev/nvme0n1p3 rw',
    '31 22 259:3 /cache /var/cache rw - ext4 /dev/nvme0n1p3 rw',
    '32 22 0:50 / /run rw - tmpfs tmpfs rw',
  ].join('\n'),
);
const INSIDE = parseMountInfo(
  [
    '60 1 0:90 / / rw - overlay overlay rw',
    '61 60 259:3 /runner/config /etc/gitlab-runner rw - ext4 /dev/nvme0n1p3 rw',
    '62 60 259:2 /var/lib/docker/containers/1a/resolv.conf /etc/resolv.conf rw - ext4 /dev/nvme0n1p2 rw',
    '63 60 259:3 /cache/jobs /cache rw - ext4 /dev/nvme0n1p3 rw',
    '64 60 0:50 /docker.sock /var/run/docker.sock rw - tmpfs tmpfs rw',
    '65 60 259:2 /etc/old.toml//deleted /etc/single.toml rw - ext4 /dev/nvme0n1p2 rw',
    '66 60 259:2 /srv/hidden /hidden rw - ext4 /dev/nvme0n1p2 rw',
  ].join('\n'),
);

test.each([
  ['/etc/gitlab-runner/config.toml', '/srv/runner/config/config.toml'],
  ['/etc/gitlab-runner', '/srv/runner/config'],
  ['/etc/resolv.conf', '/var/lib/docker/containers/1a/resolv.conf'],
  ['/cache/a b', '/var/cache/jobs/a b'],
  ['/var/run/docker.sock', '/run/docker.sock'],
])('%s is %s', (path, expected) => {
  expect(hostPathOf(path, INSIDE, HOST)).toBe(expected);
});

test('what no mount of the host shows has no path there', () => {
  expect(hostPathOf('/usr/bin/gitlab-runner', INSIDE, HOST)).toBeUndefined();
});

test('a file that was replaced on the host is not the one that the container has', () => {
  expect(hostPathOf('/etc/single.toml', INSIDE, HOST)).toBeUndefined();
});

test('what another mount of the host hides is not given for it', () => {
  expect(hostPathOf('/hidden/x', INSIDE, HOST)).toBeUndefined();
});
