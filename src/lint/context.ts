/**
 * What a rule may know beside the text. Whatever is absent was not looked at: a rule that needs it is silent,
 * and the report says which rules were.
 */
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
export interface FileFacts {
  stat(path: string): FileFact | undefined;
  /** The same, with the content. */
  read(path: string): FileFact | undefined;
}

export interface HostSize {
  readonly memoryBytes: number;
  readonly cores: number;
}

/** User listens on this host. */
export interface Listener {
  readonly port: number;
  /** The runner itself; `undefined` when that could not be found out. */
  readonly isRunner: boolean | undefined;
}

export interface LintContext {
  readonly now: Instant;
  /** The config file by its absolute name; absent for standard input. */
  readonly configPath?: string;
  readonly files?: FileFacts;
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
