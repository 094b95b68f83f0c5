/**
 * Could the runner execute a program? Judged by what the kernel would look at: that it is there, its mode bits, its mount,
 * its first bytes. Nothing is ever executed.
 */
import { join } from 'node:path';

import { isErrno } from '../../core/errno.ts';
import type { Paths } from '../../core/paths.ts';
import type { Credentials } from '../../core/reading.ts';
import { inRoot, namesIn, statIn, trailIn } from './in-root.ts';
import type { Mount } from './mounts.ts';
import { mountOf } from './mounts.ts';
import { readAtMost } from './read-at-most.ts';
import { denialOf } from './rights.ts';

export interface ProgramTools {
  readonly paths: Paths;
  /** As whom it would be executed; undefined while the runner does not run. */
  readonly who: Credentials | undefined;
  /** As the runner sees them. */
  readonly mounts: readonly Mount[];
}

export interface ProgramFault {
  readonly kind: 'missing' | 'denied' | 'invalid';
  /** A clause behind its name. */
  readonly detail: string;
  /** The file or the folder above it that denies the access. */
  readonly path?: string;
  /** What stands against it: rights of the file or of a folder above it, or what the kernel does not take as a program. */
  readonly because?:
    | 'mode'
    | 'folder'
    | 'directory'
    | 'mount'
    | 'interpreter'
    | 'line-ends'
    | 'form';
  /** That its first line names, or where it is mounted. */
  readonly needs?: string;
}

const HEAD_BYTES = 256;
const ANY_EXECUTE = 0o111;

/** As Go looks for a name without a slash: the first in PATH that may be executed, whatever the kernel then says of its form. */
export async function programFault(
  name: string,
  folders: readonly string[],
  tools: ProgramTools,
): Promise<ProgramFault | undefined> {
  if (name.startsWith('/')) return await fileFault(name, tools);
  if (name.includes('/')) {
    const detail = 'is a relative path, which is looked for in a new folder of each job';
    return { kind: 'missing', detail };
  }
  let there: ProgramFault | undefined;
  for (const folder of folders) {
    const fault = await fileFault(join(folder, name), tools);
    if (fault === undefined || OF_FORM.has(fault.because)) return fault;
    if (fault.kind !== 'missing') there ??= fault;
  }
  return there ?? { kind: 'missing', detail: `is not in PATH (${folders.join(':')})` };
}

/** The system call that executes it fails: Go has chosen it by then. */
const OF_FORM: ReadonlySet<ProgramFault['because']> = new Set(['interpreter', 'line-ends', 'form']);

async function fileFault(path: string, tools: ProgramTools): Promise<ProgramFault | undefined> {
  const { paths, who, mounts } = tools;
  const trail = await trailIn(paths, path).catch((error: unknown) =>
    isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP') ? 'missing' : [],
  );
  if (trail === 'missing') return { kind: 'missing', detail: 'does not exist' };
  const file = trail.at(-1);
  // What this user may not look at is no fault of the program.
  if (file === undefined) return undefined;
  if (!file.info.isFile()) return invalid('directory', 'is a directory, or no plain file');
  if ((file.info.mode & ANY_EXECUTE) === 0)
    return denied(path, 'mode', 'is not executable for any user');
  const head = await headOf(paths, path);
  const isScript = head?.startsWith('#!') === true;
  const on = await denialOf(path, isScript ? ['read', 'enter'] : ['enter'], who, paths);
  if (on !== undefined) {
    const because = on === file.path ? 'mode' : 'folder';
    return denied(on, because, `may not be executed by the user ${who?.uid ?? ''}`);
  }
  return mountFault(file.path, mounts) ?? (await headFault(head, paths));
}

function invalid(
  because: NonNullable<ProgramFault['because']>,
  detail: string,
  needs?: string,
): ProgramFault {
  return { kind: 'invalid', because, detail, ...(needs === undefined ? {} : { needs }) };
}

function denied(path: string, because: 'mode' | 'folder', detail: string): ProgramFault {
  return { kind: 'denied', because, detail, path };
}

function mountFault(path: string, mounts: readonly Mount[]): ProgramFault | undefined {
  const mount = mountOf(path, mounts);
  if (mount === undefined || !mount.mountOptions.includes('noexec')) return undefined;
  const { mountPoint } = mount;
  return invalid('mount', `lies on ${mountPoint}, which is mounted with noexec`, mountPoint);
}

/** Undefined where it may not be read. */
async function headOf(paths: Paths, path: string): Promise<string | undefined> {
  return await inRoot(paths, path, async (seenPath) =>
    (await readAtMost(seenPath, HEAD_BYTES)).toString('latin1'),
  ).catch(() => undefined);
}

/** A shell would run any text; the runner uses no shell, and the kernel wants a first line that names one. */
async function headFault(
  head: string | undefined,
  paths: Paths,
): Promise<ProgramFault | undefined> {
  if (head === undefined || head.startsWith('\u007FELF')) return undefined;
  if (!head.startsWith('#!')) {
    const isText = !head.includes('\0') && !(await hasOtherForms(paths));
    return isText
      ? invalid('form', 'is neither a binary nor a script: its first line does not begin with #!')
      : undefined;
  }
  const [line = '', ...rest] = head.slice(2).split('\n');
  const [interpreter = ''] = line.trimStart().split(/[ \t]/);
  if (line.endsWith('\r') && rest.length > 0)
    return invalid(
      'line-ends',
      'has the line ends of Windows, so that its interpreter is not found',
    );
  if (!interpreter.startsWith('/') || !(await isMissing(paths, interpreter))) return undefined;
  return invalid(
    'interpreter',
    `is a script for ${interpreter}, which does not exist`,
    interpreter,
  );
}

/** What may not be looked at may be there. */
async function isMissing(paths: Paths, path: string): Promise<boolean> {
  return await statIn(paths, path).then(
    () => false,
    (error: unknown) => isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP'),
  );
}

/** Those that an administrator has added to the kernel, such as the programs of another machine. */
async function hasOtherForms(paths: Paths): Promise<boolean> {
  const names = await namesIn({ rootfs: paths.procfs }, '/sys/fs/binfmt_misc').catch(() => []);
  return names.some((name) => !/^(?:register|status|qemu-.*)$/.test(name));
}
