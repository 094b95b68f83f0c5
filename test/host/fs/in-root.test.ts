/** A folder is used as a root: no link in it leads to the files of this machine. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import {
  inRoot,
  isThereIn,
  linkIn,
  namesIn,
  readTextIn,
  statIn,
  trailIn,
} from '../../../src/host/fs/in-root.ts';

let rootfs = '';
let outside = '';
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-in-root-'));
  rootfs = join(folder, 'root');
  outside = join(folder, 'secret');
  await mkdir(join(rootfs, 'etc/real'), { recursive: true });
  await writeFile(outside, 'of the host');
  await writeFile(join(rootfs, 'etc/real/hosts'), 'of the container');
});
afterAll(async () => {
  await rm(dirname(rootfs), { recursive: true, force: true });
});

async function link(name: string, target: string): Promise<string> {
  const path = `/${name}`;
  await symlink(target, join(rootfs, name));
  return path;
}

test('a plain path, an absolute link and a link through folders are read below the root', async () => {
  const absolute = await link('absolute', '/etc/real/hosts');
  const folder = await link('folder', '/etc/real');

  for (const path of ['/etc/real/hosts', absolute, `${folder}/hosts`, '/etc/./real//hosts']) {
    expect(await readTextIn({ rootfs }, path)).toBe('of the container');
  }
});

test('no way leads above the root', async () => {
  const up = await link('up', '../../../../../../../secret');
  const magic = await link('magic', `/proc/self/root${outside}`);

  for (const path of [up, magic, '/../secret', `${'/..'.repeat(20)}${outside}`, outside]) {
    await expect(readTextIn({ rootfs }, path)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await isThereIn({ rootfs }, path)).toBe(false);
  }
  expect(await readTextIn({ rootfs }, '/../../etc/real/hosts')).toBe('of the container');
});

test('links in a circle, a file in the place of a folder and what is missing are errors as the kernel gives them', async () => {
  await link('circle', '/circle');

  await expect(statIn({ rootfs }, '/circle')).rejects.toMatchObject({ code: 'ELOOP' });
  await expect(statIn({ rootfs }, '/etc/real/hosts/x')).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(statIn({ rootfs }, '/none')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a folder is listed, a link is shown as it is written, and a trail has no links', async () => {
  await link('shown', '/etc');

  expect(await namesIn({ rootfs }, '/shown/real')).toEqual(['hosts']);
  expect(await linkIn({ rootfs }, '/shown')).toBe('/etc');
  expect(await linkIn({ rootfs }, '/etc')).toBeUndefined();
  const trail = await trailIn({ rootfs }, '/shown/real/hosts');
  expect(trail.map(({ path }) => path)).toEqual(['/etc', '/etc/real', '/etc/real/hosts']);
});

test('a pipe of a container is no file, and is not waited for', async () => {
  execFileSync('mkfifo', [join(rootfs, 'pipe')]);

  await expect(readTextIn({ rootfs, container: 'docker:a' }, '/pipe')).rejects.toMatchObject({
    code: 'ENXIO',
  });
});

test('what the kernel makes up as it is read is no file of a container, and its folders are listed', async () => {
  const inContainer = { rootfs: '/proc/self/root', container: 'docker:a' };

  for (const path of ['/proc/self/status', '/proc/version']) {
    await expect(readTextIn(inContainer, path)).rejects.toMatchObject({ code: 'ENXIO' });
  }
  expect(await namesIn(inContainer, '/proc/self/fd')).not.toEqual([]);
  const plain = { rootfs, container: 'docker:a' };
  expect(await readTextIn(plain, '/etc/real/hosts')).toBe('of the container');
});

test.each([
  ['a folder', '/etc/gitlab-runner', '/etc/gitlab-runner/hosts', 'etc/real'],
  [
    'a single file',
    '/etc/gitlab-runner/config.toml',
    '/etc/gitlab-runner/config.toml',
    'etc/real/hosts',
  ],
])('%s of our own root in a volume is read where it lies', async (_what, at, path, there) => {
  const seenAt = join(rootfs, there);
  const volumes = [{ at, onHost: seenAt, seenAt }];

  expect(await readTextIn({ rootfs: '/', container: 'docker:a', volumes }, path)).toBe(
    'of the container',
  );
});

test('a volume from the top of our own root is that one, and not what has its path here', async () => {
  const volumes = [{ at: '/proc', onHost: '/etc', seenAt: '/etc' }];
  const names = await namesIn({ rootfs: '/', container: 'docker:a', volumes }, '/proc');

  expect(names).toContain('passwd');
});

test('our own root is read by plain paths', async () => {
  expect(await inRoot({ rootfs: '/' }, '/etc/../x', async (seenPath) => seenPath)).toBe(
    '/etc/../x',
  );
});
