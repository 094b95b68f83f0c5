/**
 * Can the runner write to this file system?
 *
 * Source    `stat -f` in a child (host/stat-file-system.ts): blocks for ordinary users and inodes; the options
 *           of the file system itself from mountinfo for read-only.
 * Measures  free_bytes, size_bytes, free_ratio, free_inodes, inodes, free_inodes_ratio (0..1), hung_seconds.
 * Reasons   full, inodes-exhausted, nearly-full, inodes-low, read-only, hung.
 * Unknown   gone: the path does not exist (yet). disk-error.
 */
import type { Clock } from '../core/clock.ts';
import type { Finding } from '../core/finding.ts';
import type { OptionTable, ValuesOf } from '../core/option.ts';
import { inRoot } from '../core/paths.ts';
import { defineProbe } from '../core/probe.ts';
import type { MountTarget } from '../core/target.ts';
import type { FileSystemAnswer, FileSystemSize } from '../host/stat-file-system.ts';
import { FileSystemReader } from '../host/stat-file-system.ts';

const MEBIBYTE = 1024 ** 2;

const OPTIONS = {
  full_ratio: {
    kind: 'number',
    default: 0.01,
    unit: 'ratio',
    min: 0,
    max: 0.5,
    help: 'Below this share of free space, or of free inodes, the file system counts as full.',
  },
  full_bytes: {
    kind: 'number',
    default: 200 * MEBIBYTE,
    unit: 'bytes',
    min: 0,
    max: 1024 ** 4,
    help: 'Below this much free space it counts as full, but never above 5 % of its size.',
  },
  low_ratio: {
    kind: 'number',
    default: 0.05,
    unit: 'ratio',
    min: 0,
    max: 0.9,
    help: 'Below this share of free space, or of free inodes, there is a warning.',
  },
} as const satisfies OptionTable;

/** A floor in bytes must not call a small, nearly empty file system full. */
const FLOOR_SHARE = 0.05;

const REASONS = {
  full: { meaning: 'No space is left for ordinary users.', action: 'Remove what is not needed.' },
  'inodes-exhausted': {
    meaning: 'No inodes are left, whatever the free space.',
    action: 'Remove many small files.',
  },
  'nearly-full': { meaning: 'Little space is left.', action: 'Remove what is not needed, soon.' },
  'inodes-low': { meaning: 'Few inodes are left.', action: 'Look for many small files.' },
  'read-only': {
    meaning: 'The file system is read-only, and the runner must write to it.',
    action: 'Look for I/O errors in dmesg, check the file system, remount it.',
  },
  hung: {
    meaning: 'The file system does not answer; whoever touches it hangs.',
    action: 'Look at the server of the mount.',
  },
  gone: {
    meaning: 'The path does not exist.',
    action: 'Nothing, if the runner will create it; else correct the path in config.toml.',
  },
  'disk-error': {
    meaning: 'The file system could not be asked.',
    action: 'Read the detail.',
  },
} as const;

const MEASURES = {
  free_bytes: { help: 'Free space for ordinary users.' },
  size_bytes: { help: 'Size of the file system.' },
  free_ratio: { help: 'Share of the space that is free for ordinary users.' },
  free_inodes: { help: 'Free inodes.' },
  inodes: { help: 'Inodes of the file system; 0 where they are made on demand.' },
  free_inodes_ratio: { help: 'Share of the inodes that is free.' },
  hung_seconds: { help: 'How long a question to the file system has been without an answer.' },
};

/** How full it is, in the words of a sentence. */
const FULLNESS: Readonly<Partial<Record<keyof typeof REASONS, string>>> = {
  full: 'full',
  'nearly-full': 'nearly full',
  'inodes-exhausted': 'out of inodes',
  'inodes-low': 'short of inodes',
};

type DiskFinding = Finding<keyof typeof REASONS, keyof typeof MEASURES>;

/** The reader knows which questions are still open; a test has its own. */
export function createDisk(reader: FileSystemReader) {
  return defineProbe({
    id: 'disk',
    title: 'File system',
    question: 'Can the runner write to this file system?',
    kind: 'mount',
    needs: [],
    intervalSeconds: 30,
    timeoutSeconds: 5,
    options: OPTIONS,
    reasons: REASONS,
    measures: MEASURES,

    async run(target, options, { clock, signal, paths }): Promise<DiskFinding> {
      const facts = {
        path: target.path,
        type: target.fileSystemType,
        roles: target.roles.join(', '),
      };
      const loan = { clock, signal };
      const first = await reader.read(target.id, inRoot(paths, target.path), loan);
      // A folder that the runner has yet to make lies on the file system all the same.
      const answer =
        first.kind === 'gone'
          ? await reader.read(target.id, inRoot(paths, target.id), loan)
          : first;
      const judgement = judged(answer, target, options, clock);
      const fullness = judgement.status === 'pass' ? 'not full' : FULLNESS[judgement.reason];
      return { ...judgement, facts: { ...facts, ...(fullness === undefined ? {} : { fullness }) } };
    },
  });
}

export const disk = createDisk(new FileSystemReader());

function judged(
  answer: FileSystemAnswer,
  target: MountTarget,
  options: ValuesOf<typeof OPTIONS>,
  clock: Clock,
): DiskFinding {
  const { id, path, readOnly } = target;
  switch (answer.kind) {
    case 'hung': {
      const detail = `${id} does not answer since ${new Date(answer.since).toISOString()}`;
      const measures = { hung_seconds: (clock.wall() - answer.since) / 1000 };
      return { status: 'fail', reason: 'hung', detail, measures };
    }
    case 'gone':
      return { status: 'unknown', reason: 'gone', detail: `${path} does not exist` };
    case 'error':
      return { status: 'unknown', reason: 'disk-error', detail: `${path}: ${answer.text}` };
    case 'size':
      if (!readOnly) return sized(answer.size, target, options);
      return {
        status: 'fail',
        reason: 'read-only',
        detail: `${id} is mounted read-only`,
        measures: measuresOf(answer.size),
      };
  }
}

function sized(
  size: FileSystemSize,
  target: MountTarget,
  options: ValuesOf<typeof OPTIONS>,
): DiskFinding {
  const measures = measuresOf(size);
  const { free_ratio, free_inodes_ratio } = measures;
  const who = `${target.id} (${target.roles.join(', ')})`;
  const space = `${who} has ${mebibytes(size.freeBytes)} of ${mebibytes(size.sizeBytes)} free`;
  const nodes = `${who} has ${size.freeInodes} of ${size.inodes} inodes free`;
  const floor = Math.min(options.full_bytes, size.sizeBytes * FLOOR_SHARE);
  if (free_ratio !== undefined && (free_ratio < options.full_ratio || size.freeBytes < floor)) {
    return { status: 'fail', reason: 'full', detail: space, measures };
  }
  if (free_inodes_ratio !== undefined && free_inodes_ratio < options.full_ratio) {
    return { status: 'fail', reason: 'inodes-exhausted', detail: nodes, measures };
  }
  if (free_ratio !== undefined && free_ratio < options.low_ratio) {
    return { status: 'warn', reason: 'nearly-full', detail: space, measures };
  }
  if (free_inodes_ratio !== undefined && free_inodes_ratio < options.low_ratio) {
    return { status: 'warn', reason: 'inodes-low', detail: nodes, measures };
  }
  return { status: 'pass', measures };
}

/** A ratio is left out where there is no total: inodes of btrfs, blocks of pseudo file systems. */
function measuresOf({ freeBytes, sizeBytes, freeInodes, inodes }: FileSystemSize): {
  readonly free_bytes: number;
  readonly size_bytes: number;
  readonly free_inodes: number;
  readonly inodes: number;
  readonly free_ratio?: number;
  readonly free_inodes_ratio?: number;
} {
  return {
    free_bytes: freeBytes,
    size_bytes: sizeBytes,
    free_inodes: freeInodes,
    inodes,
    ...(sizeBytes === 0 ? {} : { free_ratio: freeBytes / sizeBytes }),
    ...(inodes === 0 ? {} : { free_inodes_ratio: freeInodes / inodes }),
  };
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MEBIBYTE)} MiB`;
}
