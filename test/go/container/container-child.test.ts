/** The files of a job's container lie below its root, wherever its links seem to lead. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, beforeAll, expect, test } from 'vitest';

import type { ContainerRequest } from '../../../src/go/container/container-probe.ts';
import type { Reachability } from '../../../src/go/dial/reachability.ts';

const CHILD = fileURLToPath(
  new URL('../../../src/go/container/container-child.ts', import.meta.url),
);
const HOSTS = '127.0.0.1 gitlab.test\n';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runnerwatch-container-child-'));
  await writeFile(join(folder, 'hosts'), HOSTS);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** What a container finds whose /etc/hosts is a link to this. */
async function reached(name: string, target: string): Promise<Reachability['kind']> {
  const root = join(folder, name);
  await mkdir(join(root, 'etc'), { recursive: true });
  await mkdir(join(root, 'run'));
  await writeFile(join(root, 'run/hosts'), HOSTS);
  await writeFile(join(root, 'etc/resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:1\n');
  await symlink(target, join(root, 'etc/hosts'));
  const destination = { host: 'gitlab.test', port: 1 };
  const request: ContainerRequest = { destination, root, seconds: 5 };
  const child = await promisify(execFile)(process.execPath, [CHILD, JSON.stringify(request)]);
  return (JSON.parse(child.stdout) as Reachability).kind;
}

test('an absolute link leads to a file of the container', async () => {
  expect(await reached('inside', '/run/hosts')).toBe('no-connection');
});

test('no link leads to a file of the host', async () => {
  expect(await reached('absolute', join(folder, 'hosts'))).toBe('no-name');
  expect(await reached('relative', '../../hosts')).toBe('no-name');
});
