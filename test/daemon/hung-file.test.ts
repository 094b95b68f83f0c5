/** A file of the host that hangs when it is read takes one thread of the pool, not one at each read. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { defaultSettings } from '../../src/config/settings/settings.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Daemon } from '../../src/daemon.ts';
import { createLog } from '../../src/log.ts';
import { probe } from '../support/probes.ts';

let rootfs: string;
beforeEach(async () => {
  rootfs = await mkdtemp(join(tmpdir(), 'runnerwatch-hung-look-'));
  mkdirSync(join(rootfs, 'etc'));
  mkdirSync(join(rootfs, 'proc'));
  await writeFile(join(rootfs, 'config.toml'), 'concurrent = 1\n');
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(rootfs, { recursive: true, force: true });
});

function daemonOn(root: string): Daemon {
  const probes = [probe({ id: 'one' })];
  return new Daemon({
    probes,
    settings: { ...defaultSettings(probes), runnerConfig: '/config.toml' },
    loadSettings: async () => ({ settings: undefined, problems: [] }),
    paths: { rootfs: root, procfs: join(root, 'proc'), sysfs: root },
    clock: systemClock,
    log: createLog({ level: 'error', format: 'json', sink: { write: () => {} } }),
  });
}

/** Releases the reader that waits for a writer of the pipe; true if there was one. */
function release(pipe: string): boolean {
  try {
    closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch {
    return false;
  }
}

test('a dozen reads of a file that hangs leave the daemon able to read other files', async () => {
  const daemon = daemonOn(rootfs);
  await daemon.start();
  // The open of a pipe without a writer hangs as a file on a dead mount does.
  const pipe = join(rootfs, 'etc/environment');
  execFileSync('mkfifo', [pipe]);
  try {
    for (let round = 0; round < 12; round += 1) {
      await vi.advanceTimersByTimeAsync(3000);
      await readFile(join(rootfs, 'config.toml'));
    }

    expect(daemon.view().self.alive).toBe(true);
    expect(await readFile(join(rootfs, 'config.toml'), 'utf8')).toBe('concurrent = 1\n');
  } finally {
    await daemon.stop();
    while (release(pipe)) await new Promise((resolve) => setImmediate(resolve));
  }
});
