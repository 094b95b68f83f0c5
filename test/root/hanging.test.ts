/** A mount that hangs is named, and nothing else is delayed. The server is a real one, of FUSE. */
import { expect, test } from 'vitest';

import { rootFolder } from '../support/dns-server.ts';
import { inMountNamespace } from '../support/mount-namespace.ts';
import { serveOnHungMounts } from './hanging-daemon-body.ts';
import { hangMount, hangMany, lintOnHungMount } from './hanging-bodies.ts';

const BODIES = import.meta.resolve('./hanging-bodies.ts');
const DAEMON_BODY = import.meta.resolve('./hanging-daemon-body.ts');

test.each(['takes questions', 'stands still'] as const)(
  'a mount whose server %s and does not answer is hung since the first question, with one child',
  async (how) => {
    await using root = await rootFolder({});
    const folder = `${root.paths.rootfs}/mount`;
    const result = await inMountNamespace(BODIES, hangMount, folder, how);

    const { before, during, after, children } = result;
    expect(before).toMatchObject({ status: 'pass', measures: { free_ratio: 0.25 } });
    expect(during).toMatchObject(
      [0, 30, 60].map((hung_seconds) => ({
        status: 'fail',
        reason: 'hung',
        detail: `${folder} has not responded since 2026-11-24 09:00 UTC`,
        measures: { hung_seconds },
      })),
    );
    expect(after).toMatchObject({ status: 'pass' });
    expect(Math.max(...children)).toBeLessThanOrEqual(1);
  },
);

test('six mounts that hang stop no other check and no file access', async () => {
  await using root = await rootFolder({});
  const result = await inMountNamespace(BODIES, hangMany, `${root.paths.rootfs}/mount`);

  expect(result).toEqual({
    file: 'Linux',
    healthy: expect.any(Number),
    processor: expect.any(Number),
    open: 6,
    hung: Array.from({ length: 6 }, () => 'hung'),
    children: Array.from({ length: 6 }, () => 'D'),
  });
});

test('the daemon names every hung mount, answers meanwhile, and ends at SIGTERM', async () => {
  await using root = await rootFolder({});
  const result = await inMountNamespace(DAEMON_BODY, serveOnHungMounts, root.paths.rootfs);

  const { children, ...rest } = result;
  expect(rest).toEqual({
    hung: Array.from({ length: 6 }, () => 'disk/hung'),
    config: 'pass',
    cpu: true,
    ended: [0, null],
  });
  // For each mount one of the disk check, and one of the executor whose builds lie there.
  expect(children).toBeLessThanOrEqual(12);
});

test('a file that hangs does not take the report of the linter with it', async () => {
  await using root = await rootFolder({});
  const rules = await inMountNamespace(BODIES, lintOnHungMount, `${root.paths.rootfs}/mount`);

  expect(rules).toEqual([
    expect.arrayContaining(['P13', 'X01']),
    expect.arrayContaining(['P13', 'X01']),
  ]);
});
