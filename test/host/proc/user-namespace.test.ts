/** A container whose users are mapped to others is not judged by their numbers. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import type { Paths } from '../../../src/core/paths.ts';
import { HOST_PATHS } from '../../../src/core/paths.ts';
import { folderFault } from '../../../src/host/fs/executor-files.ts';
import { FolderReader } from '../../../src/host/fs/folder-owners.ts';
import { denialOf } from '../../../src/host/fs/rights.ts';
import { sharesUsers } from '../../../src/host/proc/user-namespace.ts';
import { reportWithFiles } from '../../../src/lint/file-reader.ts';
import { prepare } from '../../../src/lint/lint.ts';
import { PROCESS } from '../../support/lint-host.ts';
import { patient } from '../../support/until.ts';

const STRANGER = { uid: 54_321, groups: [54_321] };

let folder = '';
/** A container with the users of this process, and one with its own. */
let plain: Paths;
let mapped: Paths;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runnerwatch-users-'));
  plain = await container('plain', async (link) => await symlink('/proc/self/ns/user', link));
  mapped = await container('mapped', async (link) => await writeFile(link, ''));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function container(name: string, make: (link: string) => Promise<void>): Promise<Paths> {
  const rootfs = join(folder, name, 'root');
  await mkdir(join(rootfs, 'etc'), { recursive: true });
  await mkdir(join(rootfs, 'builds'), { mode: 0o700 });
  await writeFile(join(rootfs, 'key'), '', { mode: 0o600 });
  await writeFile(join(rootfs, 'etc/passwd'), 'jobs:x:54321:54321::/:/bin/sh\n');
  await mkdir(join(folder, name, 'ns'));
  await make(join(folder, name, 'ns/user'));
  return { ...HOST_PATHS, rootfs, container: `docker:${name}` };
}

test('the host, a container without users of its own, and a kernel without them share ours', async () => {
  expect(await sharesUsers(HOST_PATHS)).toBe(true);
  expect(await sharesUsers(plain)).toBe(true);
  expect(await sharesUsers({ ...plain, rootfs: join(folder, 'none/root') })).toBe(true);
  expect(await sharesUsers(mapped)).toBe(false);
});

test('a file is denied to a stranger, and not where its number is that of another user', async () => {
  expect(await denialOf('/key', ['read'], STRANGER, plain)).toBe('/key');
  expect(await denialOf('/key', ['read'], STRANGER, mapped)).toBeUndefined();
});

async function buildsFault(paths: Paths) {
  return await folderFault({ kind: 'folder', path: '/builds', user: 'jobs' }, STRANGER, {
    reader: new FolderReader(),
    paths,
    signal: patient(),
  });
}

test('so is the folder of the builds, for the user of the jobs', async () => {
  expect(await buildsFault(plain)).toMatchObject({ reason: 'folder-not-writable' });
  expect(await buildsFault(mapped)).toBeUndefined();
});

test('and so it is for the rules of lint', async () => {
  const prepared = prepare(
    '[[runners]]\n  name = "a"\n  executor = "shell"\n  builds_dir = "/builds"\n',
    'config.toml',
  );
  const context = { now: Date.now(), process: { ...PROCESS, ...STRANGER } };
  const rules = async (paths: Paths) =>
    (await reportWithFiles(prepared, context, paths)).findings.map(({ rule }) => rule);

  expect(await rules(plain)).toContain('X04');
  expect(await rules(mapped)).not.toContain('X04');
});
