/** What the C library says of a name that no server knows. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test, vi } from 'vitest';

import type { FollowUpMemory } from '../../src/checks/follow-up.ts';
import type { Finding } from '../../src/core/finding.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import { cLibrary } from '../../src/follow-ups/c-library.ts';
import { followUp } from '../support/run-follow-up.ts';

const NOT_FOUND: Finding = {
  status: 'fail',
  reason: 'not-found',
  detail: 'lookup of gitlab.test: 127.0.0.1 nxdomain',
  facts: { name: 'gitlab.test' },
};

/** A host whose C library says what `script` prints; it is entered by chroot, which needs root and a whole system. */
async function withLibc(script: string, use: () => Promise<Finding>): Promise<Finding> {
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-libc-'));
  try {
    await mkdir(join(folder, 'bin'));
    const command = join(folder, 'bin/getent');
    await writeFile(command, `#!/bin/sh\n${script}\n`);
    await chmod(command, 0o755);
    vi.stubEnv('PATH', `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`);
    return await use();
  } finally {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  }
}

const FINDS = 'test "$*" = "-- ahosts gitlab.test" && echo "10.0.0.9 STREAM"';

async function runOnce(
  finding: Finding,
  script = FINDS,
  memory?: FollowUpMemory,
): Promise<Finding> {
  const tools = { paths: HOST_PATHS };
  const after = { link: 'dns', finding, tools, ...(memory === undefined ? {} : { memory }) };
  return await withLibc(script, () => followUp(cLibrary, after));
}

describe('a name that the C library finds and the runner does not', () => {
  test('is a mismatch', async () => {
    expect(await runOnce(NOT_FOUND)).toEqual({
      status: 'fail',
      reason: 'nss-mismatch',
      detail: 'lookup of gitlab.test: 127.0.0.1 nxdomain; the C library returns 10.0.0.9',
      facts: {
        name: 'gitlab.test',
        factor: 'C library or the resolver of the runner',
        libc: '10.0.0.9',
        libc_address: '10.0.0.9',
      },
    });
  });

  test('is one also while libc may not be asked again', async () => {
    const memory: FollowUpMemory = new Map();
    await runOnce(NOT_FOUND, FINDS, memory);

    expect(await runOnce(NOT_FOUND, 'exit 2', memory)).toMatchObject({ reason: 'nss-mismatch' });
    expect(await runOnce(NOT_FOUND, 'exit 2')).toEqual(NOT_FOUND);
  });

  test('is not asked when the name servers fail', async () => {
    const failure: Finding = { status: 'fail', reason: 'server-failure', detail: 'servfail' };

    expect(await runOnce(failure)).toEqual(failure);
  });
});
