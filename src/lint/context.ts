/**
 * The inputs of a rule beside the text. A field that is absent was not read: a rule that needs it finds nothing, and the
 * report lists it as not checked.
 */
import type { Instant } from '../core/clock.ts';
import type { RunnerProcess } from '../core/reading.ts';

export interface FileAttributes {
  readonly kind: 'file' | 'directory' | 'socket' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Its owners are counted otherwise than the users of the runner's container. */
  readonly isMapped?: true;
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
  /** The systemd unit that runs it. Default: that of the package. */
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
