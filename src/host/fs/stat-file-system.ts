/**
 * How full is a file system? Measured by a child process (`stat -f` of coreutils), because `statfs` on a dead mount
 * never returns. "Hung since" is the start of the first call without an answer: some children can be killed while they
 * wait and others cannot, and the mount is dead all the same.
 */
import type { Clock, Instant } from '../../core/clock.ts';
import type { BoundedChild } from '../child-process.ts';
import { boundedChild } from '../child-process.ts';

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
  readonly #children: BoundedChild = boundedChild();

  /** `program` behaves like `stat` of coreutils; another one only in tests. */
  constructor(program = 'stat') {
    this.#program = program;
  }

  /** Answers at the latest when the signal aborts. `mount` names the file system, `path` lies on it. */
  async read(
    mount: string,
    path: string,
    deps: { readonly clock: Clock; readonly signal: AbortSignal },
  ): Promise<FileSystemAnswer> {
    const command = { program: this.#program, args: ['-f', '-c', FORMAT, '--', path] };
    const result = await this.#children.run(mount, command, deps);
    if (result.kind === 'hung') return result;
    if (result.kind === 'failed') return { kind: 'error', text: result.error.message };
    return result.code === 0 ? parseSize(result.stdout) : errorResult(result.stderr);
  }

  /** Children that have not ended, for the test that they never pile up. */
  inFlight(): number {
    return this.#children.inFlight();
  }
}

function parseSize(text: string): FileSystemAnswer {
  const [free, blocks, blockSize, freeInodes, inodes] = text.trim().split(' ').map(Number);
  if (inodes === undefined || Number.isNaN(inodes))
    return { kind: 'error', text: 'stat printed an unexpected result' };
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

function errorResult(complaint: string): FileSystemAnswer {
  if (complaint.includes('No such file or directory')) return { kind: 'gone' };
  const text = complaint.trim().split(': ').at(-1) ?? '';
  if (DEAD.includes(text)) return { kind: 'dead', text };
  return { kind: 'error', text: text === '' ? 'stat did not return' : text };
}
