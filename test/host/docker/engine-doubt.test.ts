/** Whether an engine may know a runner that nobody sees. */
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { doubtOfEngines } from '../../../src/host/docker/engine-doubt.ts';
import { rootFolder } from '../../support/dns-server.ts';
import { startDockerServer } from '../../support/docker-stand-in.ts';

test('without a socket there is no engine, and no doubt', async () => {
  await using root = await rootFolder({ '/var/run/x': '' });
  expect(await doubtOfEngines(root.paths)).toBeUndefined();
});

test('one that answers has told what it knows', async () => {
  await using root = await rootFolder({ '/var/run/x': '' });
  await using stack = new AsyncDisposableStack();
  stack.use(await startDockerServer({}, join(root.paths.rootfs, 'var/run/docker.sock')));
  expect(await doubtOfEngines(root.paths)).toBeUndefined();
});

test.each(['/var/run/docker.sock', '/run/podman/podman.sock'])(
  'nobody answers at %s: there may be a container of a runner',
  async (socket) => {
    await using root = await rootFolder({ [socket]: '' });
    expect(await doubtOfEngines(root.paths)).toContain(`no engine answers at ${socket}`);
  },
);
