import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { HOST_PATHS } from '../../../src/core/paths.ts';
import { resolveWithLibc, parseGetent } from '../../../src/host/net/getent.ts';
import { stillRunning } from '../../support/process-tree.ts';
import { patient, until } from '../../support/until.ts';

test('the lines of getent are distinct addresses', () => {
  const text =
    '10.0.0.5       STREAM gitlab.test\n10.0.0.5       DGRAM  \n2001:db8::5 RAW\n\nnonsense x\n';
  expect(parseGetent(text)).toEqual(['10.0.0.5', '2001:db8::5']);
});

describe('this host’s C library', () => {
  test('finds what the runner does not take for an address', async () => {
    expect(await resolveWithLibc('127.1', HOST_PATHS, patient())).toEqual(['127.0.0.1']);
  });

  test('is given a name that looks like an option as a name', async () => {
    expect(await resolveWithLibc('--version', HOST_PATHS, patient())).toEqual([]);
  });
});

describe('a getent that', () => {
  let folder = '';

  async function replace(script: string, command = 'getent'): Promise<void> {
    await writeFile(join(folder, command), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, command), 0o755);
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runnerwatch-getent-'));
    vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`);
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  test('hangs is killed, and nothing is known', async () => {
    await replace(`echo $$ > ${folder}/pid; exec sleep 600`);
    const stop = new AbortController();
    const lookup = resolveWithLibc('gitlab.test', HOST_PATHS, stop.signal);
    let pid = 0;
    await until(async () => {
      pid = Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => ''));
      return pid > 0;
    });
    stop.abort();

    expect(await lookup).toEqual([]);
    await until(() => stillRunning([pid]).length === 0);
  });

  test('finds nothing gives nothing', async () => {
    await replace('exit 2');
    expect(await resolveWithLibc('gitlab.test', HOST_PATHS, patient())).toEqual([]);
  });

  test('lies below another root is not executed', async () => {
    await replace('echo "10.0.0.9 STREAM"');
    await replace('echo "10.0.0.9 STREAM"', 'chroot');
    const paths = { ...HOST_PATHS, rootfs: folder };
    expect(await resolveWithLibc('gitlab.test', paths, patient())).toEqual([]);
  });
});
