/**
 * How full is a file system? Asked by a child, because `statfs` on a dead mount never returns: inside this
 * process four of them would stop every file access and name lookup for ever (measured).
 *
 * Promises: at most one child in flight for each mount, its end never awaited past the deadline. "Hung since"
 * is the start of the first question that got no answer: some children can be killed while they wait and
 * others cannot, and the mount is silent all the same. The child is `stat -f` of coreutils: no shell.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';

import type { Clock, Instant } from '../../core/clock.ts';

/** Blocks free for ordinary users, blocks, block size, inodes free, inodes. */
const FORMAT = '%a %b %S %d %c';

/** ENOTCONN of a FUSE server that is gone, ESTALE of NFS, EIO and ESHUTDOWN of storage. */
const DEAD: readonly string[] = [
  'Transport endpoint is not connected',
  'Stale file handle',
  'Input/output error',
  'Cannot send after transport endpoint shutdown',
];

export interface FileSystemSize {
  readonly freeBytes: number;
  readonly sizeBytes: number;
  readonly freeInodes: number;
  readonly inodes: number;
}

export type FileSystemAnswer =
  | { readonly kind: 'size'; readonly size: FileSystemSize }
  | { readonly kind: 'hung'; readonly since: Instant }
  | { readonly kind: 'gone' }
  /** It answers, with an error that nothing on it can be used through. */
  | { readonly kind: 'dead'; readonly text: string }
  | { readonly kind: 'error'; readonly text: string };

export class FileSystemReader {
  readonly #program: string;
  readonly #inFlight = new Map<string, { readonly since: Instant }>();
  readonly #silentSince = new Map<string, Instant>();

  /** `program` behaves like `stat` of coreutils; another one only in tests. */
  constructor(program = 'stat') {
    this.#program = program;
  }

  /** Answers at the latest when the signal aborts. `mount` names the file system, `path` lies on it. */
  async read(
    mount: string,
    path: string,
    { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  ): Promise<FileSystemAnswer> {
    const old = this.#inFlight.get(mount);
    if (old !== undefined) return { kind: 'hung', since: old.since };
    const since = this.#silentSince.get(mount) ?? clock.wall();
    const child = this.#spawn(path);
    if (child instanceof Error) return { kind: 'error', text: child.message };
    this.#inFlight.set(mount, { since });
    const ended = this.#endOf(mount, child);
    const answer = await Promise.race([ended, hungAt(signal, child, since)]);
    if (answer.kind === 'hung') this.#silentSince.set(mount, since);
    return answer;
  }

  async #endOf(mount: string, child: ChildProcess): Promise<FileSystemAnswer> {
    const answer = await endOf(child);
    this.#inFlight.delete(mount);
    // One that was killed says nothing about the mount.
    if (child.signalCode === null) this.#silentSince.delete(mount);
    return answer;
  }

  /** Most failures to start come as an event; a host without memory makes `spawn` throw. */
  #spawn(path: string): ChildProcess | Error {
    try {
      const child = spawn(this.#program, ['-f', '-c', FORMAT, '--', path], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, LC_ALL: 'C' },
      });
      // The daemon may stop while this one hangs.
      child.unref();
      return child;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Children that have not ended, for the test that they never pile up. */
  inFlight(): number {
    return this.#inFlight.size;
  }
}

async function endOf(child: ChildProcess): Promise<FileSystemAnswer> {
  const { promise, resolve } = Promise.withResolvers<FileSystemAnswer>();
  let out = '';
  let complaint = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  child.on('error', (error) => resolve({ kind: 'error', text: error.message }));
  child.once('close', (code) => resolve(code === 0 ? parsed(out) : failed(complaint)));
  return await promise;
}

function parsed(text: string): FileSystemAnswer {
  const [free, blocks, blockSize, freeInodes, inodes] = text.trim().split(' ').map(Number);
  if (inodes === undefined || Number.isNaN(inodes))
    return { kind: 'error', text: 'unreadable answer of stat' };
  const unit = blockSize ?? 0;
  return {
    kind: 'size',
    size: {
      freeBytes: (free ?? 0) * unit,
      sizeBytes: (blocks ?? 0) * unit,
      freeInodes: freeInodes ?? 0,
      inodes,
    },
  };
}

function failed(complaint: string): FileSystemAnswer {
  if (complaint.includes('No such file or directory')) return { kind: 'gone' };
  const text = complaint.trim().split(': ').at(-1) ?? '';
  if (DEAD.includes(text)) return { kind: 'dead', text };
  return { kind: 'error', text: text === '' ? 'stat gave no answer' : text };
}

/** At the deadline the child is told to die; one in an uninterruptible call does so only later. */
async function hungAt(
  signal: AbortSignal,
  child: ChildProcess,
  since: Instant,
): Promise<FileSystemAnswer> {
  const { promise, resolve } = Promise.withResolvers<FileSystemAnswer>();
  const onAbort = (): void => {
    child.kill('SIGKILL');
    child.stdout?.destroy();
    child.stderr?.destroy();
    resolve({ kind: 'hung', since });
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return await promise;
}
