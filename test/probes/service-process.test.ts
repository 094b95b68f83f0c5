/** What the service check sees of processes alone, without systemd: loops, hanging, one file under two names. */
import { link, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { ServiceTarget } from '../../src/core/target.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { createService } from '../../src/probes/service.ts';
import { setClock } from '../support/clock.ts';
import type { RootFolder } from '../support/dns-server.ts';
import { rootFolder } from '../support/dns-server.ts';
import type { ProcProcess } from '../support/proc-process.ts';
import { BOOTED_SECONDS, PROC_STAT, procProcess } from '../support/proc-process.ts';
import { runProbe } from '../support/run-probe.ts';

const TARGET: ServiceTarget = {
  kind: 'service',
  id: 'gitlab-runner.service',
};
const CONFIG = PACKAGED_PLACE.files.config;
const RUN = ['/usr/bin/gitlab-runner', 'run', '--config', CONFIG];

async function add(root: RootFolder, pid: number, one: ProcProcess): Promise<void> {
  for (const [path, text] of Object.entries(procProcess(pid, one))) {
    await mkdir(dirname(join(root.paths.rootfs, path)), { recursive: true });
    await writeFile(join(root.paths.rootfs, path), text);
  }
}

async function remove(root: RootFolder, pid: number): Promise<void> {
  await rm(join(root.paths.procfs, String(pid)), { recursive: true });
}

describe('a process in state D', () => {
  test('that stays there hangs', async () => {
    await using root = await rootFolder({
      ...PROC_STAT,
      ...procProcess(7, { args: RUN, state: 'D' }),
    });

    expect(await runProbe(createService(), TARGET, { tools: { paths: root.paths } })).toMatchObject(
      {
        status: 'fail',
        reason: 'uninterruptible',
        detail: 'process 7 is blocked in a system call (state D)',
      },
    );
  });

  test('for a moment works', async () => {
    await using root = await rootFolder({
      ...PROC_STAT,
      ...procProcess(7, { args: RUN, state: 'D' }),
    });
    const running = runProbe(createService(), TARGET, { tools: { paths: root.paths } });
    setTimeout(() => void add(root, 7, { args: RUN }), 200);

    expect(await running).toMatchObject({ status: 'pass' });
  });
});

async function reasonsWhileRestarting(
  root: RootFolder,
  pauseSeconds: number,
): Promise<readonly string[]> {
  const probe = createService();
  const clock = setClock((BOOTED_SECONDS + 3600) * 1000);
  const reasons: string[] = [];
  for (const pid of [11, 22, 33, 44]) {
    await add(root, pid, { args: RUN });
    const finding = await runProbe(probe, TARGET, { tools: { paths: root.paths, clock } });
    reasons.push(finding.status === 'pass' ? 'pass' : finding.reason);
    await remove(root, pid);
    clock.advance(pauseSeconds);
  }
  const last = await runProbe(probe, TARGET, { tools: { paths: root.paths, clock } });
  return [...reasons, last.status === 'pass' ? 'pass' : last.reason];
}

describe('processes that come and go', () => {
  test('four within a quarter of an hour are a loop, also while there is none', async () => {
    await using root = await rootFolder({ ...PROC_STAT, '/usr/bin/gitlab-runner': '' });

    expect(await reasonsWhileRestarting(root, 15)).toEqual([
      'pass',
      'pass',
      'pass',
      'crash-loop',
      'crash-loop',
    ]);
  });

  test('four within two hours are none', async () => {
    await using root = await rootFolder({ ...PROC_STAT, '/usr/bin/gitlab-runner': '' });

    expect(await reasonsWhileRestarting(root, 1200)).toEqual([
      'pass',
      'pass',
      'pass',
      'pass',
      'not-running',
    ]);
  });
});

test('a process that lives much longer than those before it ends the loop', async () => {
  await using root = await rootFolder({ ...PROC_STAT, '/usr/bin/gitlab-runner': '' });
  const probe = createService();
  const clock = setClock((BOOTED_SECONDS + 3600) * 1000);
  const runOnce = async (): Promise<string> => {
    const finding = await runProbe(probe, TARGET, { tools: { paths: root.paths, clock } });
    return finding.status === 'pass' ? 'pass' : finding.reason;
  };
  for (const pid of [11, 22, 33]) {
    await add(root, pid, { args: RUN });
    await runOnce();
    await remove(root, pid);
    clock.advance(40);
  }
  await add(root, 44, { args: RUN });
  const reasons: string[] = [await runOnce()];
  for (const seconds of [70, 20]) {
    clock.advance(seconds);
    reasons.push(await runOnce());
  }

  expect(reasons).toEqual(['crash-loop', 'crash-loop', 'pass']);
});

describe('one config file', () => {
  test('under two names is shared by two processes', async () => {
    const other = ['gitlab-runner', 'run', '--config', '/srv/same.toml'];
    await using root = await rootFolder({
      ...PROC_STAT,
      [CONFIG]: 'concurrent = 1\n',
      '/srv/mark': '',
      ...procProcess(7, { args: RUN }),
      ...procProcess(9, { args: other, startedSeconds: 5 }),
    });
    const { rootfs, procfs } = root.paths;
    await link(join(rootfs, CONFIG), join(rootfs, '/srv/same.toml'));
    for (const pid of [7, 9]) await symlink(rootfs, join(procfs, String(pid), 'root'));

    expect(await runProbe(createService(), TARGET, { tools: { paths: root.paths } })).toMatchObject(
      {
        status: 'warn',
        reason: 'two-processes',
        measures: { processes: 2 },
      },
    );
  });

  test('and another one of its own are not shared', async () => {
    const other = ['gitlab-runner', 'run', '--config', '/srv/other.toml'];
    await using root = await rootFolder({
      ...PROC_STAT,
      [CONFIG]: 'concurrent = 1\n',
      '/srv/other.toml': 'concurrent = 1\n',
      ...procProcess(7, { args: RUN }),
      ...procProcess(9, { args: other }),
    });
    const { rootfs, procfs } = root.paths;
    for (const pid of [7, 9]) await symlink(rootfs, join(procfs, String(pid), 'root'));

    expect(await runProbe(createService(), TARGET, { tools: { paths: root.paths } })).toMatchObject(
      {
        status: 'pass',
        measures: { processes: 1 },
      },
    );
  });
});
