/** The runner as a service of a host without systemd, whose root is the folder of the demo. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { narrowProc } from './narrow-proc.ts';
import type { RunnerHome, RunnerOrder } from './runner-home.ts';
import type { RunnerStandIn } from './runner-process.ts';
import { startRunnerStandIn } from './runner-process.ts';

/** Whether or not this host has systemd: a script starts the runner and writes its pid file. */
const FILES: Readonly<Record<string, string>> = {
  'etc/init.d/gitlab-runner': '#!/bin/sh\n',
  'usr/bin/gitlab-runner': '',
  // Nothing listens there: without the line in the hosts file the name cannot be resolved.
  'etc/resolv.conf': 'nameserver 127.0.0.9\n',
};
const PROCESS_FILE = 'var/run/gitlab-runner.pid';

export async function liveOnHost(order: RunnerOrder): Promise<RunnerHome> {
  const { folder, configPath } = order;
  for (const [name, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text, { mode: 0o600 });
  }
  const procfs = await narrowProc(join(folder, 'proc'));
  let runner = await startAsService(order);
  await procfs.show(runner.pid);
  return {
    rootfs: folder,
    procfs: procfs.path,
    configPath,
    hostsFile: async () => join(folder, 'etc/hosts'),
    pid: async () => runner.pid,
    signal: async (signal) => runner.stop(signal),
    stop: async () => runner.stop('SIGKILL'),
    restart: async () => {
      await runner[Symbol.asyncDispose]();
      runner = await startAsService(order);
      await procfs.show(runner.pid);
    },
    [Symbol.asyncDispose]: async () => await runner[Symbol.asyncDispose](),
  };
}

/** The runner, with the id of its process where its script would write it. */
async function startAsService(order: RunnerOrder): Promise<RunnerStandIn> {
  const { folder, port, host, caPem, entries, configPath } = order;
  const started = await startRunnerStandIn(
    { port, host, caPem, entries },
    { configPath, logFile: join(folder, 'gitlab-runner.log') },
  );
  await mkdir(dirname(join(folder, PROCESS_FILE)), { recursive: true });
  await writeFile(join(folder, PROCESS_FILE), `${started.pid}\n`);
  return started;
}
