/**
 * What a rule may know beside the text. What is absent was not read: a rule that needs it finds nothing, and the
 * report lists it as not checked.
 */
import type { Instant } from '../core/clock.ts';
import type { RunnerProcess } from '../core/reading.ts';

export interface FileAttributes {
  readonly kind: 'file' | 'directory' | 'socket' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modifiedAt: Instant;
  /** Of a small file, if it was asked for; as Latin-1, so that no byte is lost. Never shown. */
  readonly content?: string;
}

export type FileFact =
  | FileAttributes
  | { readonly kind: 'missing' }
  /** runnerwatch has no right to read it, or the file system did not answer. */
  | { readonly kind: 'unknown' };

/** What is at a path; `undefined` until it was read. */
export interface FileFacts {
  stat(path: string): FileFact | undefined;
  /** The same, with the content. */
  read(path: string): FileFact | undefined;
}

export interface HostSize {
  readonly memoryBytes: number;
  readonly cores: number;
}

/** A listening TCP port of this host. */
export interface Listener {
  readonly port: number;
  /** The runner itself; `undefined` when its process is not known. */
  readonly isRunner: boolean | undefined;
}

export interface LintContext {
  readonly now: Instant;
  /** Absolute path of the config file; absent for standard input. */
  readonly configPath?: string;
  readonly files?: FileFacts;
  readonly process?: RunnerProcess;
  /** The systemd unit that runs it: that of the package unless told. */
  readonly unit?: string;
  /** Of the process; while there is none, what its systemd unit sets. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly host?: HostSize;
  readonly listeners?: readonly Listener[];
  readonly history?: {
    /** The content changed, and its modification time did not become newer. */
    readonly changedUnseen: boolean;
  };
}

/** The value of a flag of the process: `--user`. */
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
