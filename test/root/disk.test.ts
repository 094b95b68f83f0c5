/** The disk probe on real file systems, each in a mount namespace of its own. */
import { expect, test } from 'vitest';

import { inMountNamespace } from '../support/mount-namespace.ts';
import { rootFolder } from '../support/dns-server.ts';
import type { Body } from '../support/run-body.ts';
import {
  fillInodes,
  fillSpace,
  fillTmpfs,
  nearlyFill,
  nearlyFillInodes,
  turnPointReadOnly,
  turnReadOnly,
} from './disk-bodies.ts';

const BODIES = import.meta.resolve('./disk-bodies.ts');

async function onMount<R>(body: Body<[string], R>): Promise<R> {
  await using root = await rootFolder({});
  return await inMountNamespace(BODIES, body, `${root.paths.rootfs}/mount`);
}

test('a file system that only root can still write is full', async () => {
  const { before, after, freeForRoot } = await onMount(fillSpace);

  expect(before).toMatchObject({ status: 'pass' });
  expect(after).toMatchObject({
    status: 'fail',
    reason: 'full',
    measures: { free_bytes: 0, free_ratio: 0 },
    facts: { type: 'ext4', fullness: 'full' },
  });
  expect(freeForRoot).toBeGreaterThan(0);
});

test('8 GiB of which 3.5 % are free are nearly full', async () => {
  const finding = await onMount(nearlyFill);

  expect(finding).toMatchObject({ status: 'warn', reason: 'nearly-full' });
  expect(finding.measures?.['free_ratio']).toBeCloseTo(0.035, 3);
});

test('a file system without inodes is not called full: its space is free', async () => {
  const { files, finding } = await onMount(fillInodes);

  expect(files).toBeLessThan(64);
  expect(finding).toMatchObject({
    status: 'fail',
    reason: 'inodes-exhausted',
    measures: { free_inodes: 0, inodes: 64 },
  });
  expect(finding.measures?.['free_ratio']).toBeGreaterThan(0.5);
});

test('a file system with few inodes is short of them', async () => {
  expect(await onMount(nearlyFillInodes)).toMatchObject({
    status: 'warn',
    reason: 'inodes-low',
    measures: { inodes: 1024 },
  });
});

test('a tmpfs runs out of inodes too', async () => {
  expect(await onMount(fillTmpfs)).toMatchObject({
    status: 'fail',
    reason: 'inodes-exhausted',
    measures: { free_inodes: 0, inodes: 20 },
    facts: { type: 'tmpfs' },
  });
});

test('a file system that was remounted read-only is a fault', async () => {
  const { before, after } = await onMount(turnReadOnly);

  expect([before, after]).toMatchObject([
    { status: 'pass' },
    { status: 'fail', reason: 'read-only' },
  ]);
});

test('a mount point that is read-only by itself is none', async () => {
  expect(await onMount(turnPointReadOnly)).toMatchObject({ status: 'pass' });
});
