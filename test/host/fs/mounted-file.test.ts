/** A file that is mounted by itself, and what has become of it on the host. */
import { link, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { replacedFile } from '../../../src/host/fs/mounted-file.ts';
import { parseMountInfo } from '../../../src/host/fs/mounts.ts';
import { rootFolder } from '../../support/dns-server.ts';

const PATH = '/etc/gitlab-runner/config.toml';
const SOURCE = '/srv/config.toml';
const ON_HOST = parseMountInfo('22 1 8:1 / / rw - ext4 /dev/sda1 rw');

interface Case {
  /** The folder of the file system, as the kernel shows it. */
  readonly root?: string;
  readonly mountPoint?: string;
  readonly isToldByEngine?: boolean;
  /** By the path of the file on the host. */
  readonly act?: (file: string) => Promise<unknown>;
}

async function look({ root = SOURCE, mountPoint = PATH, isToldByEngine = false, act }: Case) {
  await using host = await rootFolder({ [SOURCE]: 'a' });
  await using container = await rootFolder({ '/etc/gitlab-runner/x': '' });
  const file = join(host.paths.rootfs, SOURCE);
  await link(file, join(container.paths.rootfs, PATH));
  await act?.(file);
  return await replacedFile({
    path: PATH,
    inside: { ...container.paths, container: 'docker:a' },
    onHost: host.paths,
    mounts: {
      inside: parseMountInfo(`61 60 8:1 ${root} ${mountPoint} rw - ext4 /dev/sda1 rw`),
      onHost: ON_HOST,
    },
    mounted: isToldByEngine ? [{ source: SOURCE, target: PATH }] : undefined,
  });
}

const replaces = async (file: string): Promise<void> => {
  await writeFile(`${file}.new`, 'b');
  await rename(`${file}.new`, file);
};

test.each<readonly [title: string, given: Case]>([
  ['the same file', {}],
  ['one that was written anew in its place', { act: async (file) => await writeFile(file, 'c') }],
  ['one in a folder that is mounted', { mountPoint: '/etc/gitlab-runner', act: replaces }],
  ['one that cannot be seen on the host, and has a name', { act: async (file) => await rm(file) }],
])('%s is not replaced', async (_title, given) => {
  expect(await look(given)).toBeUndefined();
});

test.each<readonly [title: string, given: Case]>([
  ['by a new file of its name', { root: `${SOURCE}//deleted`, act: replaces }],
  [
    'by an editor that keeps the old one under another name',
    { root: '/srv/config.toml~', isToldByEngine: true, act: replaces },
  ],
])('%s it is replaced', async (_title, given) => {
  expect(await look(given)).toEqual({ source: SOURCE, isThere: true });
});

test('one that was removed has no name any more', async () => {
  const given = { root: `${SOURCE}//deleted`, act: async (file: string) => await rm(file) };

  expect(await look(given)).toEqual({ source: SOURCE, isThere: false });
});
