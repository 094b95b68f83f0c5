/** Files that keys of config.toml name, as the runner process sees them and may read them. */
import { isAbsolute } from 'node:path';

import { mountOf, parseMountInfo } from '../host/fs/mounts.ts';
import type { Right, User } from '../host/fs/rights.ts';
import { modeAllows } from '../host/fs/rights.ts';
import { asProcessSees } from '../host/place/runner-files.ts';
import type { FileAttributes, FileFact, LintContext } from './context.ts';
import type { Section } from './parsed-config.ts';
import type { Found } from './values.ts';
import { filledAt, urlAt } from './values.ts';

/** Relative to the working directory of the runner process; `undefined` when that is not known. */
export function asRunnerSees(path: string, { process }: LintContext): string | undefined {
  const isKnown = isAbsolute(path) || process?.workingDirectory !== undefined;
  return isKnown ? asProcessSees(path, process) : undefined;
}

/** May this user do it, by the mode of the file? `undefined` when it depends on users or groups that are not known. */
export function isAllowed(fact: FileFact, user: User, right: Right): boolean | undefined {
  if (!isThere(fact) || fact.isMapped === true) return undefined;
  return user.uid === 0 || modeAllows(fact, [right], user);
}

/** Something is there. */
export function isThere(fact: FileFact | undefined): fact is FileAttributes {
  return fact !== undefined && fact.kind !== 'missing' && fact.kind !== 'unknown';
}

/** Mount options of the file system of a path, from the mount table that the runner sees. */
export function mountOptions(path: string, { files, process }: LintContext): readonly string[] {
  const table = files?.read(`/proc/${process?.pid ?? 'self'}/mountinfo`);
  const mounts = isThere(table) ? parseMountInfo(table.content ?? '') : [];
  const mount = mountOf(path, mounts);
  return mount === undefined ? [] : [...mount.mountOptions, ...mount.superOptions];
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
  return process !== undefined && isAllowed(fact, process, 'read') === false
    ? `cannot be read by uid ${process.uid}`
    : undefined;
}

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
  return base?.ok === true && base.url.protocol === 'https:'
    ? (base.url.writtenHost ?? base.url.hostname)
    : undefined;
}
