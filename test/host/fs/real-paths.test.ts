/** Links of a container, and the file of the host behind what they lead to. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { hostPathOf } from '../../../src/host/fs/host-path.ts';
import { parseMountInfo } from '../../../src/host/fs/mounts.ts';
import { isRefuted, readRealPaths, withoutLinks } from '../../../src/host/fs/real-paths.ts';
import { rootFolder } from '../../support/dns-server.ts';

const CONFIG = '/etc/gitlab-runner/config.toml';
const TEXT = `
[[runners]]
  tls-ca-file = "/etc/gitlab-runner/certs/ca.crt"
  [runners.docker]
    host = "unix:///opt/sockets/podman.sock"
    volumes = ["/cache/jobs:/cache", "/nowhere"]
`;
const ON_HOST = parseMountInfo('22 1 8:1 / / rw - ext4 /dev/sda1 rw');

async function containerWith(insideMounts: string, configPath = CONFIG, text = TEXT) {
  const root = await rootFolder({
    '/run/x': '',
    '/data/certs/ca.crt': '',
    '/data/config.toml': text,
    '/srv/jobs/x': '',
  });
  const { rootfs } = root.paths;
  await mkdir(join(rootfs, 'var'));
  await mkdir(join(rootfs, 'etc'));
  await symlink('/run', join(rootfs, 'var/run'));
  await symlink('../data', join(rootfs, 'etc/gitlab-runner'));
  await symlink('/opt/real', join(rootfs, 'opt'));
  await symlink('/../../srv', join(rootfs, 'cache'));
  const mounts = { inside: parseMountInfo(insideMounts), onHost: ON_HOST };
  const host = await rootFolder({ '/srv/certs/ca.crt': '' });
  const found = await readRealPaths({
    inside: { ...root.paths, container: 'docker:a' },
    onHost: host.paths,
    mounts,
    configPath,
    others: [],
  });
  return { root, host, found, mounts };
}

const PLAIN = '59 1 0:90 / / rw - overlay overlay rw\n60 59 8:1 /srv /opt rw - ext4 /dev/sda1 rw';
/** The config file lies on the volume, not behind a link. */
const VOLUME = '60 1 8:1 /srv /data rw - ext4 /dev/sda1 rw';

test('a path of very many parts, which whoever wrote config.toml chose, stays as it is written', async () => {
  const long = `/var/run${'/a'.repeat(100_000)}`;
  const { root, host, found } = await containerWith(PLAIN, CONFIG, `# "${long}"`);
  await using stack = new AsyncDisposableStack();
  stack.use(root);
  stack.use(host);

  expect(found.real.get(long)).toBe(long);
});

test.each([
  ['/var/run/docker.sock', '/run/docker.sock'],
  [CONFIG, '/data/config.toml'],
  ['/etc/gitlab-runner/certs/ca.crt', '/data/certs/ca.crt'],
  ['/etc/gitlab-runner/other', '/data/other'],
  ['/cache/jobs', '/srv/jobs'],
  ['/nowhere', '/nowhere'],
  ['/etc/hosts', '/etc/hosts'],
  ['/elsewhere', '/elsewhere'],
  // Another disk, which may hang.
  ['/opt/sockets/podman.sock', '/opt/sockets/podman.sock'],
])('%s is %s without links', async (path, expected) => {
  const { root, host, found } = await containerWith(PLAIN);
  await using stack = new AsyncDisposableStack();
  stack.use(root);
  stack.use(host);

  expect(withoutLinks(path, found)).toBe(expected);
});

test('a file of the host with that path and another inode is not the one', async () => {
  const { root, host, found, mounts } = await containerWith(VOLUME, '/data/config.toml');
  await using stack = new AsyncDisposableStack();
  stack.use(root);
  stack.use(host);

  expect(hostPathOf('/data/certs/ca.crt', mounts.inside, mounts.onHost)).toBe('/srv/certs/ca.crt');
  expect(isRefuted('/data/certs/ca.crt', found)).toBe(true);
  expect(isRefuted('/data/certs/below-it/x', found)).toBe(true);
  expect(isRefuted('/run', found)).toBe(false);
});

test('one that leads in a circle stays as it is written', async () => {
  await using root = await rootFolder({ '/etc/x': '' });
  await symlink('/loop', join(root.paths.rootfs, 'loop'));
  await writeFile(join(root.paths.rootfs, 'config.toml'), '"/loop/a"');
  const { real } = await readRealPaths({
    inside: root.paths,
    onHost: root.paths,
    mounts: { inside: [], onHost: [] },
    configPath: '/config.toml',
    others: [],
  });

  expect(real.get('/loop/a')).toBe('/loop/a');
});
