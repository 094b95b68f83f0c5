/**
 * `runnerwatch lint --fix`: the diff goes to standard error, with secrets masked; the corrected file goes to standard
 * output, or with --write it replaces the file. Promises of --write: completely or not at all, mode and owner kept,
 * the old file beside it as a backup of the same mode.
 */
import {
  chmod,
  chown,
  copyFile,
  constants,
  open,
  realpath,
  rename,
  rm,
  stat,
} from 'node:fs/promises';

import { systemClock } from '../core/clock.ts';
import { errnoText } from '../core/errno.ts';
import { diffOf } from '../lint/diff.ts';
import type { Correction } from '../lint/edits.ts';
import { applyEdits } from '../lint/edits.ts';
import type { Prepared } from '../lint/lint.ts';
import { judge, prepare, textOf } from '../lint/lint.ts';

const EXIT_OK = 0;
const EXIT_FAILED = 2;

export async function fixFile(
  content: Buffer,
  prepared: Prepared,
  { path, write }: { readonly path: string | undefined; readonly write: boolean },
): Promise<number> {
  const { text, count } = correctionOf(content, prepared);
  const diff = diffOf(textOf(content), textOf(text), prepared.file);
  process.stderr.write(
    count === 0 ? `${prepared.file}: nothing to correct automatically\n` : `${diff}\n`,
  );
  if (!write || path === undefined) {
    process.stdout.write(text);
    return EXIT_OK;
  }
  if (count === 0) return EXIT_OK;
  try {
    const backup = await replaceFile(path, text);
    process.stderr.write(`corrected ${path}; the old file is ${backup}\n`);
    return EXIT_OK;
  } catch (error) {
    process.stderr.write(
      `runnerwatch: cannot write ${path}, it is unchanged: ${errnoText(error)}\n`,
    );
    return EXIT_FAILED;
  }
}

/** A correction that would break the syntax of the file is dropped. */
function correctionOf(content: Buffer, prepared: Prepared): Correction {
  const done = applyEdits(content, judge(prepared, { now: systemClock.wall() }));
  const isWorse = prepared.parsed.whole && !prepare(done.text, prepared.file).parsed.whole;
  return isWorse ? { text: content.toString(), count: 0 } : done;
}

/** Writes beside the file and renames over it; returns where the old one is. */
async function replaceFile(named: string, text: string): Promise<string> {
  const path = await realpath(named);
  const { mode, uid, gid } = await stat(path);
  const stamp = new Date(systemClock.wall()).toISOString().replaceAll(/[:.]/g, '-');
  const backup = `${path}.${stamp}.bak`;
  const fresh = `${path}.${process.pid}.new`;
  await copyFile(path, backup, constants.COPYFILE_EXCL);
  await keep(backup, { mode, uid, gid });
  try {
    const handle = await open(fresh, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await keep(fresh, { mode, uid, gid });
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    await rm(backup, { force: true });
    throw error;
  }
  return backup;
}

async function keep(
  path: string,
  { mode, uid, gid }: { readonly mode: number; readonly uid: number; readonly gid: number },
): Promise<void> {
  await chown(path, uid, gid);
  await chmod(path, mode & 0o7777);
}
