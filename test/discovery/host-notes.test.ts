/** What the daemon knows of the host while a file of it hangs. */
import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { HostNotes } from '../../src/discovery/host-notes.ts';
import { rootFolder } from '../support/dns-server.ts';

test('one late read of several is a busy machine, and three in a row are a file that hangs', async () => {
  await using root = await rootFolder({ '/etc/environment': 'LANG=C\n' });
  const file = join(root.paths.rootfs, 'etc/environment');
  const notes = new HostNotes(root.paths);
  const configPath = '/etc/gitlab-runner/config.toml';
  const nothing = { process: undefined, last: undefined, logFile: undefined };
  const question = { ...nothing, configPath, paths: root.paths };
  await notes.read(question);
  await rm(file);
  // The open of a pipe without a writer hangs as a file on a dead mount does.
  execFileSync('mkfifo', [file]);

  const counts: number[] = [];
  for (let reads = 0; reads < 3; reads += 1) {
    await notes.read(question);
    counts.push(notes.unreadable().length);
  }

  expect(counts).toEqual([0, 0, 1]);
});
