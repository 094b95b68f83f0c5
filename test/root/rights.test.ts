/** May the runner’s user? Real files with real owners and modes. */
import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test, vi } from 'vitest';

import type { Right } from '../../src/host/fs/rights.ts';
import { denialOf, createReadCheck } from '../../src/host/fs/rights.ts';
import { rootFolder } from '../support/dns-server.ts';

const FILE = '/etc/gitlab-runner/certs/ca.pem';
const RUNNER = { uid: 1500, groups: [1500, 998] };

interface Given {
  readonly mode: number;
  readonly owner?: readonly [uid: number, gid: number];
  readonly folderMode?: number;
}

/** Who denies it to the runner's user; the file belongs to root by default. */
async function denier(
  { mode, owner = [0, 0], folderMode = 0o755 }: Given,
  rights: readonly Right[] = ['read'],
  who: typeof RUNNER | undefined = RUNNER,
): Promise<string | undefined> {
  await using root = await rootFolder({ [FILE]: 'PEM' });
  const place = join(root.paths.rootfs, FILE);
  await chown(place, ...owner);
  await chmod(place, mode);
  await chmod(join(root.paths.rootfs, '/etc/gitlab-runner'), folderMode);
  return await denialOf(FILE, rights, who, root.paths);
}

test.each([
  ['of root with 0600 is denied', { mode: 0o600 }, FILE],
  ['of root with 0644 is open to all', { mode: 0o644 }, undefined],
  ['of its own with 0600 is open', { mode: 0o600, owner: [1500, 0] }, undefined],
  [
    'of its own with 0066 is denied: its class alone counts',
    { mode: 0o066, owner: [1500, 0] },
    FILE,
  ],
  ['of a group it is in is open with 0640', { mode: 0o640, owner: [0, 998] }, undefined],
  ['of a group it is in is denied with 0604', { mode: 0o604, owner: [0, 998] }, FILE],
  ['of another group is denied with 0640', { mode: 0o640, owner: [0, 997] }, FILE],
  [
    'in a folder that it cannot enter is denied there',
    { mode: 0o644, folderMode: 0o700 },
    '/etc/gitlab-runner',
  ],
] as const)('a file %s', async (_what, given, expected) => {
  expect(await denier(given)).toBe(expected);
});

test('each right that is asked for counts', async () => {
  expect(await denier({ mode: 0o644 }, ['read', 'write'])).toBe(FILE);
  expect(await denier({ mode: 0o646 }, ['read', 'write'])).toBeUndefined();
});

test('root is denied nothing, and without a process no user is', async () => {
  await using root = await rootFolder({ [FILE]: 'PEM' });
  await chmod(join(root.paths.rootfs, FILE), 0);

  const asked = [{ uid: 0, groups: [0] }, undefined].map((who) =>
    denialOf(FILE, ['read'], who, root.paths),
  );

  expect(await Promise.all(asked)).toEqual([undefined, undefined]);
});

test('a link is judged by where it leads, and a file that is not there denies nothing', async () => {
  await using root = await rootFolder({ '/srv/secret/ca.pem': 'PEM' });
  const { rootfs } = root.paths;
  await mkdir(join(rootfs, '/etc'));
  await symlink('../srv/secret/ca.pem', join(rootfs, '/etc/ca.pem'));
  await chmod(join(rootfs, '/srv/secret'), 0o750);

  expect(await denialOf('/etc/ca.pem', ['read'], RUNNER, root.paths)).toBe('/srv/secret');
  expect(await denialOf('/etc/none.pem', ['read'], RUNNER, root.paths)).toBeUndefined();
});

test('an access list that may allow it denies nothing', async () => {
  await using root = await rootFolder({ [FILE]: 'PEM' });
  const place = join(root.paths.rootfs, FILE);
  await chmod(place, 0o640);
  const isDenied = createReadCheck(RUNNER, root.paths);
  const before = await isDenied(FILE);

  execFileSync('setfacl', ['-m', 'u:1500:r', place]);

  expect([before, await isDenied(FILE)]).toEqual([true, false]);
});

test('an access list that cannot be looked for is no denial', async () => {
  await using root = await rootFolder({ [FILE]: 'PEM', '/bin/ls': '#!/bin/sh\nexit 1\n' });
  await chmod(join(root.paths.rootfs, '/bin/ls'), 0o755);
  await chmod(join(root.paths.rootfs, FILE), 0o640);
  vi.stubEnv('PATH', join(root.paths.rootfs, 'bin'));
  try {
    expect(await denialOf(FILE, ['read'], RUNNER, root.paths)).toBeUndefined();
  } finally {
    vi.unstubAllEnvs();
  }
});
