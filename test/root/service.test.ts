/** The service probe where /proc hides the processes of other users. */
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import { rootFolder } from '../support/dns-server.ts';
import { startDockerServer } from '../support/docker-stand-in.ts';
import { inMountNamespace } from '../support/mount-namespace.ts';
import { PROC_STAT } from '../support/proc-process.ts';
import { recordReason, SEEN_VARIABLE } from '../support/recorded-reasons.ts';
import { lookAsNobody, lookBesideEngineAsNobody } from './service-body.ts';

const BODY = import.meta.resolve('./service-body.ts');

async function runOnce(hidepid: string): Promise<Finding> {
  await using root = await rootFolder({});
  return await recorded(
    async () => await inMountNamespace(BODY, lookAsNobody, root.paths.rootfs, hidepid),
  );
}

/** The file of seen reasons is root's. */
async function recorded(run: () => Promise<Finding>): Promise<Finding> {
  const file = process.env[SEEN_VARIABLE];
  delete process.env[SEEN_VARIABLE];
  const running = run();
  if (file !== undefined) process.env[SEEN_VARIABLE] = file;
  const finding = await running;
  recordReason('service', finding);
  return finding;
}

/** `mode` of the engine's socket. */
async function runBesideEngine(mode: number): Promise<Finding> {
  await using root = await rootFolder({ ...PROC_STAT, '/var/run/x': '' });
  const { rootfs } = root.paths;
  const socket = join(rootfs, '/var/run/docker.sock');
  await using stack = new AsyncDisposableStack();
  stack.use(await startDockerServer({}, socket));
  await chmod(rootfs, 0o755);
  await chmod(socket, mode);
  return await recorded(async () => await inMountNamespace(BODY, lookBesideEngineAsNobody, rootfs));
}

test.each(['noaccess', 'invisible'])(
  'a /proc mounted with hidepid=%s makes the result unknown, and no fault',
  async (hidepid) => {
    expect(await runOnce(hidepid)).toMatchObject({
      status: 'unknown',
      reason: 'blind',
      detail: '/proc hides the processes of other users (hidepid)',
      measures: { processes: 0 },
    });
  },
);

test('an open /proc shows root’s runner to every user, without its environment', async () => {
  expect(await runOnce('off')).toMatchObject({
    status: 'pass',
    measures: { processes: 1 },
    facts: { uid: 0 },
  });
});

test('an engine that may not be asked may know a runner; one that may be asked has said that it knows none', async () => {
  expect(await runBesideEngine(0o600)).toMatchObject({
    status: 'unknown',
    reason: 'blind',
    detail:
      'no process of a runner runs, and runnerwatch may not ask the engine at /var/run/docker.sock for a container of one that has stopped',
  });
  expect(await runBesideEngine(0o666)).toMatchObject({ status: 'fail', reason: 'not-installed' });
});
