/** Storage that stalls below a file system that answers, and a mount whose server has died: both for real. */
import { mkdirSync } from 'node:fs';

import { expect, test } from 'vitest';

import { rootFolder } from '../support/dns-server.ts';
import { inMountNamespace } from '../support/mount-namespace.ts';
import { askSilentFolder, askSilentPrograms, freezeBelow, killServer } from './stalled-bodies.ts';

const BODIES = import.meta.resolve('./stalled-bodies.ts');

test('writes that do not end are a stall, though the file system answers; nothing is written to find out', async () => {
  await using root = await rootFolder({});
  const folder = `${root.paths.rootfs}/mount`;
  mkdirSync(folder);
  const { idle, during, after } = await inMountNamespace(BODIES, freezeBelow, folder);

  expect(idle).toMatchObject([{ status: 'pass' }, { status: 'pass' }]);
  const [first, ...later] = during;
  // The first run after it begins cannot know yet.
  expect(first).toMatchObject({ status: 'pass' });
  expect(later).toMatchObject(
    [30, 60].map((seconds) => ({
      status: 'fail',
      reason: 'write-stall',
      detail: expect.stringMatching(
        new RegExp(
          `^\\d+ requests to .*upper .* have been pending for ${seconds} s, and \\d+ tasks wait \\(state D\\)$`,
        ),
      ),
    })),
  );
  expect(after).toMatchObject({ status: 'pass' });
});

test('a mount whose server is gone is dead, and not merely unknown', async () => {
  await using root = await rootFolder({});
  const folder = `${root.paths.rootfs}/mount`;

  expect(await inMountNamespace(BODIES, killServer, folder)).toMatchObject({
    status: 'fail',
    reason: 'dead',
    detail: `${folder} returns an error: Transport endpoint is not connected`,
  });
});

test('a folder of builds that does not answer is reported as silent, and its owner as no fault', async () => {
  await using root = await rootFolder({});
  const folder = `${root.paths.rootfs}/mount`;

  expect(await inMountNamespace(BODIES, askSilentFolder, folder)).toMatchObject({
    status: 'unknown',
    reason: 'folder-silent',
  });
});

test('programs on a mount that does not answer are not examined, and no thread waits for them', async () => {
  await using root = await rootFolder({});
  const folder = `${root.paths.rootfs}/mount`;

  expect(await inMountNamespace(BODIES, askSilentPrograms, folder)).toMatchObject({
    status: 'unknown',
    reason: 'not-examined',
    detail: `whether the executor custom can run jobs is not known: ${folder} does not answer`,
  });
});
