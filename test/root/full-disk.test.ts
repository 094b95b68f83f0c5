/** A full disk costs the flight recorder no incident, in a mount namespace of its own. */
import { expect, test } from 'vitest';

import { rootFolder } from '../support/dns-server.ts';
import { inMountNamespace } from '../support/mount-namespace.ts';
import { recordOnFullDisk } from './full-disk-bodies.ts';

test('on a full disk an incident lives in memory, leaves no half file, and is written when there is room', async () => {
  await using root = await rootFolder({});
  const result = await inMountNamespace(
    new URL('full-disk-bodies.ts', import.meta.url).href,
    recordOnFullDisk,
    `${root.paths.rootfs}/state`,
  );

  expect(result).toEqual({
    whileFull: {
      files: [],
      inMemory: 1,
      problems: [expect.stringMatching(/tcp-connection-refused\.json: ENOSPC$/)],
    },
    afterwards: ['20261124T090000Z-tcp-connection-refused.json'],
    isWhole: true,
  });
});
