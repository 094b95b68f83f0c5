import { expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import type { MountTarget } from '../../src/core/target.ts';
import { FileSystemReader } from '../../src/host/fs/stat-file-system.ts';
import { createDisk, disk } from '../../src/probes/disk.ts';
import { setClock } from '../support/clock.ts';
import { rootFolder } from '../support/dns-server.ts';
import { startFakeStat } from '../support/fake-stat.ts';
import { runProbe } from '../support/run-probe.ts';

const BLOCK = 4096;
const MEBIBYTE = 1024 ** 2;
const GIBIBYTE = 1024 ** 3;

function mountAt(path: string, over: Partial<MountTarget> = {}): MountTarget {
  return {
    kind: 'mount',
    id: path,
    fileSystemType: 'ext4',
    readOnly: false,
    path,
    roles: ['builds_dir of one', 'TMPDIR'],
    ...over,
  };
}

interface Size {
  readonly free: number;
  readonly size: number;
  readonly freeInodes?: number;
  readonly inodes?: number;
}

async function judge(size: Size, over: Partial<MountTarget> = {}): Promise<Finding> {
  await using stat = await startFakeStat();
  const { free, freeInodes = 500, inodes = 1000 } = size;
  const blocks = [free / BLOCK, size.size / BLOCK].map(Math.round);
  await stat.setAnswer([...blocks, BLOCK, freeInodes, inodes].join(' '));
  const target = mountAt('/data', { path: stat.folder, ...over });
  return await runProbe(createDisk(new FileSystemReader(stat.program)), target);
}

test('a file system with room passes, with every measure', async () => {
  expect(await judge({ free: 5 * GIBIBYTE, size: 10 * GIBIBYTE })).toEqual({
    status: 'pass',
    measures: {
      free_bytes: 5 * GIBIBYTE,
      size_bytes: 10 * GIBIBYTE,
      free_ratio: 0.5,
      free_inodes: 500,
      inodes: 1000,
      free_inodes_ratio: 0.5,
    },
    facts: {
      path: expect.any(String),
      type: 'ext4',
      roles: 'builds_dir of one, TMPDIR',
      fullness: 'not full',
    },
  });
});

test.each([
  ['less than 1 % is full', { free: 99 * GIBIBYTE, size: 10_000 * GIBIBYTE }, 'full', 'full'],
  ['less than 200 MiB is full', { free: 199 * MEBIBYTE, size: 10 * GIBIBYTE }, 'full', 'full'],
  [
    'less than 5 % of a small one is full',
    { free: 4.9 * MEBIBYTE, size: 100 * MEBIBYTE },
    'full',
    'full',
  ],
  [
    'less than 5 % is nearly full',
    { free: 4.9 * GIBIBYTE, size: 100 * GIBIBYTE },
    'nearly-full',
    'nearly full',
  ],
  [
    'no inode is exhausted, with all space free',
    { free: GIBIBYTE, size: GIBIBYTE, freeInodes: 0 },
    'inodes-exhausted',
    'out of inodes',
  ],
  [
    'less than 1 % of the inodes is exhausted',
    { free: GIBIBYTE, size: GIBIBYTE, freeInodes: 9 },
    'inodes-exhausted',
    'out of inodes',
  ],
  [
    'less than 5 % of the inodes is low',
    { free: GIBIBYTE, size: GIBIBYTE, freeInodes: 49 },
    'inodes-low',
    'short of inodes',
  ],
])('%s', async (_name, size, reason, fullness) => {
  expect(await judge(size)).toMatchObject({
    status: ['full', 'inodes-exhausted'].includes(reason) ? 'fail' : 'warn',
    reason,
    facts: { fullness },
  });
});

test.each([
  ['a small one with 5 % free', { free: 5.3 * MEBIBYTE, size: 100 * MEBIBYTE }],
  ['one whose inodes are made on demand', { free: 5, size: 10, freeInodes: 0, inodes: 0 }],
  ['one without blocks', { free: 0, size: 0 }],
  ['one with 5 % of its inodes', { free: GIBIBYTE, size: GIBIBYTE, freeInodes: 50 }],
])('%s passes', async (_name, { free, size, ...rest }) => {
  const scale = size === 10 ? GIBIBYTE : 1;

  expect(await judge({ free: free * scale, size: size * scale, ...rest })).toMatchObject({
    status: 'pass',
  });
});

test('what is full is named by what it is used for', async () => {
  expect(await judge({ free: MEBIBYTE, size: 10 * GIBIBYTE })).toMatchObject({
    detail: '/data (builds_dir of one, TMPDIR) has 1 MiB of 10240 MiB free',
  });
  expect(await judge({ free: GIBIBYTE, size: GIBIBYTE, freeInodes: 0 })).toMatchObject({
    detail: '/data (builds_dir of one, TMPDIR) has 0 of 1000 inodes free',
  });
});

test('a read-only one is reported as such, with its sizes', async () => {
  expect(await judge({ free: GIBIBYTE, size: 2 * GIBIBYTE }, { readOnly: true })).toMatchObject({
    status: 'fail',
    reason: 'read-only',
    detail: '/data is mounted read-only',
    measures: { free_ratio: 0.5 },
  });
});

test('a folder that the runner has yet to make is judged by its file system', async () => {
  await using root = await rootFolder({});
  const { rootfs } = root.paths;
  const finding = await runProbe(disk, mountAt(rootfs, { path: `${rootfs}/builds` }));

  expect(finding.measures?.size_bytes).toBeGreaterThan(0);
});

test('a mount point that does not exist is gone', async () => {
  const finding = await runProbe(disk, mountAt('/no/such/mount', { path: '/no/such/mount/x' }));

  expect(finding).toMatchObject({
    status: 'unknown',
    reason: 'gone',
    detail: '/no/such/mount/x does not exist',
  });
});

test('a file system that cannot be asked is an error with the message of the system', async () => {
  await using root = await rootFolder({ '/file': '' });
  const path = `${root.paths.rootfs}/file/x`;

  expect(await runProbe(disk, mountAt('/', { path }))).toMatchObject({
    status: 'unknown',
    reason: 'disk-error',
    detail: `${path}: Not a directory`,
  });
});

test('it asks below the root folder of the host', async () => {
  await using stat = await startFakeStat('echo 1 2 3 4 5');
  const probe = createDisk(new FileSystemReader(stat.program));
  await runProbe(probe, mountAt('/data'), { tools: { paths: { ...HOST_PATHS, rootfs: '/host' } } });

  expect(await stat.calls()).toEqual(['-f -c %a %b %S %d %c -- /host/data']);
});

test('a mount that does not answer is hung since the first question', async () => {
  await using stat = await startFakeStat('exec sleep 600');
  const reader = new FileSystemReader(stat.program);
  const clock = setClock();
  const ask = async (): Promise<Finding> => {
    const signal = AbortSignal.timeout(200);
    return await runProbe(createDisk(reader), mountAt('/nfs'), { tools: { clock, signal } });
  };

  const first = await ask();
  await expect.poll(() => reader.inFlight()).toBe(0);
  clock.advance(30);
  const second = await ask();

  expect([first, second]).toMatchObject([
    {
      status: 'fail',
      reason: 'hung',
      detail: '/nfs has not responded since 2026-11-24 09:00 UTC',
      measures: { hung_seconds: 0 },
    },
    { reason: 'hung', measures: { hung_seconds: 30 } },
  ]);
});

test('a file system that will be full within the hour at this rate is a notice before it is one', async () => {
  await using stat = await startFakeStat();
  const probe = createDisk(new FileSystemReader(stat.program));
  const clock = setClock();
  const findings: Finding[] = [];
  for (let index = 0; index < 12; index += 1) {
    await stat.setAnswer(`${262_144 - index * 2560} 524288 ${BLOCK} 500 1000`);
    const target = mountAt('/data', { path: stat.folder });
    findings.push(await runProbe(probe, target, { tools: { clock } }));
    clock.advance(30);
  }

  expect(findings.slice(0, 9).map(({ status }) => status)).not.toContain('warn');
  expect(findings.at(-1)).toMatchObject({
    status: 'warn',
    reason: 'filling',
    detail: '/data (builds_dir of one, TMPDIR) will be full in 46 minutes at this rate',
    measures: { full_in_seconds: expect.closeTo(2742, -1) },
    facts: { fullness: 'full soon at this rate' },
  });
});

test.each(['Stale file handle', 'Input/output error', 'Transport endpoint is not connected'])(
  'a file system that answers “%s” is dead',
  async (complaint) => {
    await using stat = await startFakeStat(
      `echo "stat: cannot read file system information for '$5': ${complaint}" >&2; exit 1`,
    );
    const target = mountAt('/data', { path: stat.folder });
    const finding = await runProbe(createDisk(new FileSystemReader(stat.program)), target);

    expect(finding).toMatchObject({
      status: 'fail',
      reason: 'dead',
      detail: `/data returns an error: ${complaint}`,
    });
  },
);
