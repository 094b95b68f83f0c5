/** Files that keys of config.toml name, as the runner process sees them and may read them. */
import { join, resolve } from 'node:path';

import { SYSTEM_DIRECTORY } from '../host/place/runner-files.ts';
import type { FileAttributes, FileFact, LintContext } from './context.ts';
import type { Section } from './parsed-config.ts';
import type { Found } from './values.ts';
import { filledAt, urlAt } from './values.ts';

/** Relative to the working directory of the runner process; `undefined` when that is not known. */
export function asRunnerSees(path: string, { process }: LintContext): string | undefined {
  if (path.startsWith('/')) return path;
  const directory = process?.workingDirectory;
  return directory === undefined ? undefined : resolve(directory, path);
}

/** The groups are absent where they are not known. */
export interface User {
  readonly uid: number;
  readonly groups?: readonly number[];
}

/** May this user read (4), write (2) or search (1)? `undefined` when it depends on groups that are not known. */
export function isAllowed(
  fact: FileFact,
  { uid, groups }: User,
  bit: 1 | 2 | 4,
): boolean | undefined {
  if (!isThere(fact)) return undefined;
  if (uid === 0) return bit !== 1 || fact.kind === 'directory' || (fact.mode & 0o111) !== 0;
  if (fact.uid === uid) return (fact.mode & (bit << 6)) !== 0;
  const asOther = (fact.mode & bit) !== 0;
  const asGroup = (fact.mode & (bit << 3)) !== 0;
  if (groups !== undefined) return groups.includes(fact.gid) ? asGroup : asOther;
  return asOther === asGroup ? asOther : undefined;
}

/** Something is there. */
export function isThere(fact: FileFact | undefined): fact is FileAttributes {
  return fact !== undefined && fact.kind !== 'missing' && fact.kind !== 'unknown';
}

/** Mount options of the file system of a path, from the mount table that the runner sees. */
export function mountOptions(path: string, { files, process }: LintContext): readonly string[] {
  const table = files?.read(process === undefined ? '/proc/mounts' : `/proc/${process.pid}/mounts`);
  const text = isThere(table) ? (table.content ?? '') : '';
  const rows = text.split('\n').map((line) => line.split(' '));
  const [on] = rows
    .filter(([, point = '']) => point !== '' && isBelow(path, point))
    .toSorted(([, a = ''], [, b = '']) => b.length - a.length);
  return on?.[3]?.split(',') ?? [];
}

function isBelow(path: string, point: string): boolean {
  return `${path}/`.startsWith(point === '/' ? '/' : `${point}/`);
}

/** A file that a key names and that the runner must read. */
export function accessFaultOf(
  found: Found<string> | undefined,
  context: LintContext,
): string | undefined {
  const path = found === undefined ? undefined : asRunnerSees(found.value, context);
  const fact = path === undefined ? undefined : context.files?.stat(path);
  if (fact === undefined || fact.kind === 'unknown') return undefined;
  if (fact.kind === 'missing') return 'does not exist';
  const { process } = context;
  return process !== undefined && isAllowed(fact, process, 4) === false
    ? `cannot be read by uid ${process.uid}`
    : undefined;
}

const ROOT_CERTS = join(SYSTEM_DIRECTORY, 'certs');

/** The file that a key names, read. */
export function fileOf({ table }: Section, key: string, context: LintContext) {
  const found = filledAt(table, key);
  const path = found === undefined ? undefined : asRunnerSees(found.value, context);
  const fact = path === undefined ? undefined : context.files?.read(path);
  return found === undefined || fact === undefined ? undefined : { entry: found.entry, fact };
}

/** The host in the names of CA files: the part of the url before the first colon. */
export function hostOf(section: Section, context: LintContext): string | undefined {
  const base = urlAt(section, context)?.base;
  return base?.ok === true && base.url.protocol === 'https:' ? base.url.hostname : undefined;
}

/** Where this runner process reads CA files by host name, and where one of another user would. */
export function certFolders({ process, environment }: LintContext): readonly [string, string] {
  const home = `${environment?.['HOME'] ?? '/root'}/.gitlab-runner/certs`;
  return process === undefined || process.uid === 0 ? [ROOT_CERTS, home] : [home, ROOT_CERTS];
}
