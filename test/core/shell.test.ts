/** The printed edit of a file, typed into real shells with each sed: a link, a mount and a mode stay what they are. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { editFile, quoteArgument } from '../../src/core/shell.ts';

/** Runs the command with a sudo that does nothing else, or takes each program from BusyBox; the file is behind a link. */
function edit(before: string, scripts: readonly string[], { input = '', isBusyBox = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "runnerwatch-it's-"));
  const file = join(folder, 'real');
  const link = join(folder, 'link');
  writeFileSync(file, before);
  chmodSync(file, 0o640);
  symlinkSync('real', link);
  const { ino } = statSync(file);
  const command = editFile(quoteArgument(link), scripts, input === '' ? undefined : input);
  const sudo = isBusyBox ? 'sudo() { busybox "$@"; }' : 'sudo() { "$@"; }';
  execFileSync('sh', ['-c', `${sudo}\n${command}`]);
  const after = readFileSync(file, 'utf8');
  const same = lstatSync(link).isSymbolicLink() && statSync(file).ino === ino;
  const mode = statSync(file).mode & 0o777;
  rmSync(folder, { recursive: true });
  return { after, isSame: same, mode };
}

test.each([
  ['the sed of the system', false],
  ['that of BusyBox', true],
])('a file is edited where it is: %s', (_, isBusyBox) => {
  const kept = { isSame: true, mode: 0o640 };

  expect(edit('a\nhosts: dns\n', ['s/^hosts:/hosts: files/'], { isBusyBox })).toEqual({
    after: 'a\nhosts: files dns\n',
    ...kept,
  });
  expect(edit("a'b\n\nc\n", [String.raw`/^a'b$/d`, 's/c/%s/'], { isBusyBox })).toEqual({
    after: '\n%s\n',
    ...kept,
  });
  const input = 'echo "export A=1"';
  expect(edit('#!/bin/sh\nrun\n', ['1r /dev/stdin'], { isBusyBox, input })).toEqual({
    after: '#!/bin/sh\nexport A=1\nrun\n',
    ...kept,
  });
});

test('a script that sed refuses changes nothing', () => {
  expect(() => edit('a\n', ['s/a'])).toThrow(/Command failed/);
});
