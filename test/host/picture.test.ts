/** The picture of this host: real programs, in a child that answers even when one of them hangs. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, networkInterfaces, release, tmpdir, totalmem } from 'node:os';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { hostFacts, readHostPicture } from '../../src/host/picture.ts';
import { parseStat } from '../../src/host/proc/runner-process.ts';
import { PATIENCE_MILLISECONDS, until } from '../support/until.ts';

/** What hangs does so for longer, and nothing else takes as long on a busy machine. */
const PATIENT_SECONDS = 20;
const NO_STOP = new AbortController().signal;

test('the facts of this host are those of the system', async () => {
  expect(await hostFacts({ rootfs: '/', procfs: '/proc', sysfs: '/sys' })).toEqual({
    kernel: release(),
    system: expect.stringMatching(/./),
    architecture: process.arch,
    processor: expect.any(String),
    cores: availableParallelism(),
    memory_bytes: totalmem(),
    swap_bytes: expect.any(Number),
  });
});

test('the picture has system, machine, processor, memory, disks and interfaces', async () => {
  const picture = await readHostPicture(NO_STOP, PATIENCE_MILLISECONDS / 1000);

  expect(picture).toMatchObject({
    system: { kernel: release(), arch: process.arch },
    machine: { isVirtual: expect.any(Boolean) },
    processor: { cores: availableParallelism() },
    memory: { totalBytes: totalmem() },
    disks: expect.any(Array),
  });
  expect(picture.interfaces?.map(({ name }) => name)).toEqual(
    expect.arrayContaining(Object.keys(networkInterfaces())),
  );
});

test('a program that hangs costs its own part and no other, and is ended', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-picture-'));
  const { PATH = '' } = process.env;
  const pidFile = join(folder, 'pids');
  await writeFile(join(folder, 'lsblk'), `#!/bin/sh\necho $$ >> ${pidFile}\nexec sleep 600\n`);
  await chmod(join(folder, 'lsblk'), 0o755);
  process.env['PATH'] = `${folder}:${PATH}`;
  try {
    const picture = await readHostPicture(NO_STOP, PATIENT_SECONDS);

    expect(picture.disks).toBeUndefined();
    expect(picture.memory?.totalBytes).toBe(totalmem());
    const pids = (await readFile(pidFile, 'utf8')).trim().split('\n');
    await until(() => pids.every((pid) => hasEnded(Number(pid))));
  } finally {
    process.env['PATH'] = PATH;
    await rm(folder, { recursive: true, force: true });
  }
});

/** A process that nobody waits for stays as a zombie. */
function hasEnded(pid: number): boolean {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.state === 'Z';
  } catch {
    return true;
  }
}

test('a program that is stopping does not wait for it', async () => {
  expect(await readHostPicture(AbortSignal.abort(), PATIENCE_MILLISECONDS / 1000)).toEqual({});
});
