/**
 * What a rule may know beside the text. Whatever is absent was not looked at: a rule that needs it is silent,
 * and the report says which rules were.
 */
import { resolve } from 'node:path';

import type { Instant } from '../core/clock.ts';
import type { RunnerProcess } from '../core/reading.ts';

export interface FileAttributes {
  readonly kind: 'file' | 'directory' | 'socket' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modifiedAt: Instant;
  /** Of a small file that was asked for, as Latin-1, so that no byte is lost. Never shown. */
  readonly content?: string;
}

export type FileFact =
  | FileAttributes
  | { readonly kind: 'missing' }
  /** We may not look, or it did not answer. */
  | { readonly kind: 'unknown' };

/** What lies at a path; `undefined` while nobody has looked. */
export interface FileLooks {
  look(path: string): FileFact | undefined;
  /** The same, with the content. */
  read(path: string): FileFact | undefined;
}

export interface HostSize {
  readonly memoryBytes: number;
  readonly cores: number;
}

/** Who listens on this host. */
export interface Listener {
  readonly port: number;
  /** The runner itself; `undefined` when that could not be found out. */
  readonly isRunner: boolean | undefined;
}

export interface LintContext {
  readonly now: Instant;
  /** The config file by its absolute name; absent for standard input. */
  readonly configPath?: string;
  readonly files?: FileLooks;
  readonly process?: RunnerProcess;
  /** Of the process; while there is none, what its unit would give it. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly host?: HostSize;
  readonly listeners?: readonly Listener[];
  readonly history?: {
    /** The content changed, and its time of change did not become newer. */
    readonly changedUnseen: boolean;
  };
}

/** A path as the runner's process takes it: against its working directory. `undefined` when that is not known. */
export function asRunnerSees(path: string, { process }: LintContext): string | undefined {
  if (path.startsWith('/')) return path;
  const directory = process?.workingDirectory;
  return directory === undefined ? undefined : resolve(directory, path);
}

/** Whoever is asked about; the groups are absent where they are not known. */
export interface Who {
  readonly uid: number;
  readonly groups?: readonly number[];
}

/** May this user read (4), write (2) or search (1)? `undefined` when it depends on groups that are not known. */
export function isAllowed(
  fact: FileFact,
  { uid, groups }: Who,
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

/** The user that jobs of the shell executor run as: `--user` of the process. */
export function argumentOf(
  process: RunnerProcess,
  ...names: readonly string[]
): string | undefined {
  const words = process.arguments;
  const index = words.findLastIndex((word) => names.some((name) => isFlag(word, name)));
  const word = words[index];
  if (word === undefined) return undefined;
  const equals = word.indexOf('=');
  return equals === -1 ? words[index + 1] : word.slice(equals + 1);
}

function isFlag(word: string, name: string): boolean {
  return word === name || word.startsWith(`${name}=`);
}

/** Whether something lies there, and what. */
export function isThere(fact: FileFact | undefined): fact is FileAttributes {
  return fact !== undefined && fact.kind !== 'missing' && fact.kind !== 'unknown';
}

/** Options of the file system that a path lies on, out of the mount table that the runner sees. */
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
