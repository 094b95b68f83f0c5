import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { HOST_PATHS } from '../../../src/core/paths.ts';
import { hasOtherNetwork } from '../../../src/host/net/network-namespace.ts';
import { rootFolder } from '../../support/dns-server.ts';

test('this process lives in its own network, and so does one that is not there', async () => {
  expect(await hasOtherNetwork(process.pid, HOST_PATHS)).toBe(false);
  expect(await hasOtherNetwork(undefined, HOST_PATHS)).toBe(false);
  expect(await hasOtherNetwork(2 ** 30, HOST_PATHS)).toBe(false);
});

test('one with another namespace lives elsewhere', async () => {
  await using root = await rootFolder({ '/proc/mark': '' });
  await mkdir(join(root.paths.procfs, '7/ns'), { recursive: true });
  await symlink('net:[4026530000]', join(root.paths.procfs, '7/ns/net'));

  expect(await hasOtherNetwork(7, root.paths)).toBe(true);
});
