/** Files that we may read as root and the runner's user may not: config.toml and what it trusts. */
import { chmod, chown } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { Credentials } from '../../src/core/reading.ts';
import { config } from '../../src/probes/config.ts';
import { make, makeRoot } from '../support/certificates.ts';
import { rootFolder } from '../support/dns-server.ts';
import { probeTls } from '../support/probe-tls.ts';
import { processOf } from '../support/places.ts';
import { runProbe } from '../support/run-probe.ts';
import { startTlsServer } from '../support/tls-server.ts';

const FILE = '/etc/gitlab-runner/config.toml';
const RUNNER: Credentials = { uid: 1500, groups: [1500] };
const ROOT: Credentials = { uid: 0, groups: [0] };

async function lookAtConfig(credentials: Credentials | undefined, mode: number, owner = 0) {
  await using root = await rootFolder({ [FILE]: 'concurrent = 1\n' });
  const place = join(root.paths.rootfs, FILE);
  await chown(place, owner, owner);
  await chmod(place, mode);
  const target = {
    kind: 'config',
    id: FILE,
    reading: { path: FILE, foundBy: 'default', readAt: 0, problems: [], runnerCount: 1 },
  } as const;
  const process = processOf(credentials);
  return await runProbe(config, target, { tools: { paths: root.paths, process } });
}

describe('config.toml', () => {
  test('of root with 0600 is no use to a runner of another user', async () => {
    expect(await lookAtConfig(RUNNER, 0o600)).toMatchObject({
      status: 'fail',
      reason: 'denied-to-runner',
      detail: `the runner's user 1500 has no permission to read ${FILE}: ${FILE} denies it`,
      facts: { uid: 1500, denied: FILE },
    });
  });

  test('passes for its owner, for root, and while no runner runs', async () => {
    const found = [
      await lookAtConfig(RUNNER, 0o600, 1500),
      await lookAtConfig(ROOT, 0o600, 1500),
      await lookAtConfig(undefined, 0o600),
    ];

    expect(found.map(({ status }) => status)).toEqual(['pass', 'pass', 'pass']);
  });
});

describe('the CA file', () => {
  const authority = makeRoot({ name: 'Private Root' });
  const leaf = make({ name: 'gitlab.test', dns: ['gitlab.test'] }, authority);
  const caFile = '/srv/ca.pem';

  async function shake(credentials: Credentials, mode: number, folderMode = 0o755) {
    await using server = await startTlsServer({ chain: [leaf] });
    return await probeTls({
      port: server.port,
      files: { [caFile]: authority.pem },
      trust: { caFile },
      credentials,
      prepare: async (rootfs) => {
        await chmod(join(rootfs, caFile), mode);
        await chmod(join(rootfs, 'srv'), folderMode);
      },
    });
  }

  test.each([
    ['of root with 0600', 0o600, 0o755],
    ['in a folder of root', 0o644, 0o700],
  ])('%s is unreadable, though we could read it', async (_what, mode, folderMode) => {
    expect(await shake(RUNNER, mode, folderMode)).toMatchObject({
      status: 'fail',
      reason: 'ca-file-unreadable',
      detail: expect.stringMatching(/^\/srv\/ca\.pem cannot be read/),
    });
  });

  test('open to the runner, or with a runner of root’s, is used', async () => {
    expect(await shake(RUNNER, 0o644)).toMatchObject({ status: 'pass' });
    expect(await shake(ROOT, 0o600)).toMatchObject({ status: 'pass' });
  });

  test('a key that the runner may not read leaves it without a client certificate', async () => {
    await using server = await startTlsServer({
      chain: [leaf],
      requestCert: true,
      ca: authority.pem,
      rejectUnauthorized: true,
    });
    const own = make({ name: 'runner', extendedUsages: ['client'] }, authority);
    const finding = await probeTls({
      port: server.port,
      files: { [caFile]: authority.pem, '/srv/own.crt': own.pem, '/srv/own.key': own.keyPem },
      trust: { caFile, certFile: '/srv/own.crt', keyFile: '/srv/own.key' },
      credentials: RUNNER,
      prepare: async (rootfs) => await chmod(join(rootfs, '/srv/own.key'), 0o600),
    });

    expect(finding).toMatchObject({
      status: 'fail',
      reason: 'client-certificate-invalid',
      detail: expect.stringContaining("the runner's user has no permission to read /srv/own.key"),
    });
  });
});
