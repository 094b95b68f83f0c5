/**
 * Can the runner write to this file system?
 *
 * Source    `stat -f` in a child (host/fs/stat-file-system.ts): blocks for ordinary users and inodes; the options
 *           of the file system itself from mountinfo for read-only; /proc/diskstats and the processes in state D for
 *           writes that hang. Nothing is written.
 * Measures  free_bytes, size_bytes, free_ratio, free_inodes, inodes, free_inodes_ratio (0..1), hung_seconds,
 *           full_in_seconds (only while the space goes down steadily).
 * Reasons   full, inodes-exhausted, nearly-full, inodes-low, filling, read-only, hung, dead, write-stall.
 * Unknown   gone: the path does not exist (yet). disk-error.
 */
import { dateText } from '../core/date-text.ts';
import type { Clock } from '../core/clock.ts';
import type { Finding } from '../core/finding.ts';
import type { OptionTable, ValuesOf } from '../core/option.ts';
import { childPath } from '../core/paths.ts';
import type { MeasureSpec, Tools } from '../core/probe.ts';
import { defineProbe } from '../core/probe.ts';
import { leadToCauses } from '../core/reason.ts';
import type { MountTarget } from '../core/target.ts';
import { plainIdOf } from '../core/target.ts';
import { FillTrend } from '../host/fs/fill-trend.ts';
import { fullnessOf } from '../host/fs/fullness.ts';
import type { FileSystemAnswer, FileSystemSize } from '../host/fs/stat-file-system.ts';
import { FileSystemReader } from '../host/fs/stat-file-system.ts';
import { WriteWatch } from '../host/fs/write-stall.ts';

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
    help: 'Below this much free space the file system counts as full, but never above 5 % of its size.',
  },
  low_ratio: {
    kind: 'number',
    default: 0.05,
    unit: 'ratio',
    min: 0,
    max: 0.9,
    help: 'Below this share of free space, or of free inodes, the check warns.',
  },
  soon_full_seconds: {
    kind: 'number',
    default: 3600,
    unit: 'seconds',
    min: 0,
    max: 7 * 86_400,
    help: 'The check warns if the space, at the current rate, runs out within this time.',
  },
} as const satisfies OptionTable;

const REASONS = {
  ...leadToCauses(
    'full',
    'inodes-exhausted',
    'nearly-full',
    'inodes-low',
    'filling',
    'read-only',
    'hung',
    'dead',
    'write-stall',
  ),
  gone: {
    kind: 'unseen',
    meaning: 'The path does not exist.',
    action: 'Nothing, if the runner will create it; otherwise correct the path in config.toml.',
  },
  'disk-error': {
    kind: 'unseen',
    meaning: 'The state of the file system cannot be read.',
    action: 'Read the detail.',
  },
} as const;

const MEASURES = {
  free_bytes: { help: 'Free space for ordinary users.' },
  size_bytes: { help: 'Size of the file system.' },
  free_ratio: {
    measurement: 'utilization',
    help: 'Share of the space that is free for ordinary users.',
    limits: { worse: 'low', options: ['low_ratio', 'full_ratio'] },
  },
  free_inodes: { help: 'Free inodes.' },
  inodes: { help: 'Inodes of the file system; 0 if it creates them on demand.' },
  free_inodes_ratio: {
    help: 'Share of the inodes that is free.',
    limits: { worse: 'low', options: ['low_ratio', 'full_ratio'] },
  },
  full_in_seconds: {
    help: 'Time until the file system is full at the current rate; absent without a steady rate.',
  },
  hung_seconds: { help: 'How long a call to the file system has been waiting.' },
} as const satisfies Readonly<Record<string, MeasureSpec>>;

/** How full it is, as part of a sentence. */
const FULLNESS: Readonly<Partial<Record<keyof typeof REASONS, string>>> = {
  full: 'full',
  'nearly-full': 'nearly full',
  'inodes-exhausted': 'out of inodes',
  'inodes-low': 'short of inodes',
  filling: 'full soon at this rate',
};

type DiskFinding = Finding<keyof typeof REASONS, keyof typeof MEASURES>;

/** The reader knows which questions are still open, the others what was before; a test has its own. */
export function createDisk(reader: FileSystemReader) {
  const kept = { trend: new FillTrend(), writes: new WriteWatch() };
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

    async run(target, options, tools): Promise<DiskFinding> {
      const { clock, signal, paths } = tools;
      const facts = {
        path: target.path,
        type: target.fileSystemType,
        roles: target.roles.join(', '),
        ...workingCopiesOf(target),
      };
      const deps = { clock, signal };
      const mountPoint = plainIdOf(target);
      // The links of a path below another root would be followed in ours; a mount point has none.
      const path = paths.rootfs === '/' ? target.path : mountPoint;
      const first = await reader.read(target.id, childPath(paths, path), deps);
      // A folder that the runner has yet to make lies on the file system all the same.
      const answer =
        first.kind === 'gone'
          ? await reader.read(target.id, childPath(paths, mountPoint), deps)
          : first;
      const judgement =
        answer.kind === 'size' && !target.readOnly
          ? await writable(answer.size, target, options, tools, kept)
          : unwritable(answer, target, clock);
      const fullness = judgement.status === 'pass' ? 'not full' : FULLNESS[judgement.reason];
      return { ...judgement, facts: { ...facts, ...(fullness === undefined ? {} : { fullness }) } };
    },
  });
}

export const disk = createDisk(new FileSystemReader());

function workingCopiesOf({ jobFolders = [] }: MountTarget): Readonly<Record<string, string>> {
  const folders = jobFolders.flatMap(({ workingCopies }) => workingCopies ?? []);
  // A command removes them: one that could be read as two is left out.
  const isPlain = folders.every((folder) => !folder.includes(','));
  return folders.length > 0 && isPlain ? { working_copies: folders.join(', ') } : {};
}

function unwritable(answer: FileSystemAnswer, target: MountTarget, clock: Clock): DiskFinding {
  const { id, path } = target;
  switch (answer.kind) {
    case 'hung': {
      const detail = `${id} has not responded since ${dateText(answer.since)}`;
      const measures = { hung_seconds: (clock.wall() - answer.since) / 1000 };
      return { status: 'fail', reason: 'hung', detail, measures };
    }
    case 'dead':
      return { status: 'fail', reason: 'dead', detail: `${id} returns an error: ${answer.text}` };
    case 'gone':
      return { status: 'unknown', reason: 'gone', detail: `${path} does not exist` };
    case 'error':
      return { status: 'unknown', reason: 'disk-error', detail: `${path}: ${answer.text}` };
    case 'size':
      return {
        status: 'fail',
        reason: 'read-only',
        detail: `${id} is mounted read-only`,
        measures: measuresOf(answer.size),
      };
  }
}

interface Kept {
  readonly trend: FillTrend;
  readonly writes: WriteWatch;
}

async function writable(
  size: FileSystemSize,
  target: MountTarget,
  options: ValuesOf<typeof OPTIONS>,
  tools: Tools,
  { trend, writes }: Kept,
): Promise<DiskFinding> {
  const { id, deviceNumber, roles } = target;
  const left = trend.add(id, tools.clock.seconds(), size.freeBytes);
  const measures = {
    ...measuresOf(size),
    ...(left === undefined ? {} : { full_in_seconds: left }),
  };
  const who = `${id} (${roles.join(', ')})`;
  const stall =
    deviceNumber === undefined ? undefined : await writes.check(who, deviceNumber, tools);
  if (stall !== undefined)
    return { status: 'fail', reason: 'write-stall', detail: stall, measures };
  const fullness = fullnessOf(size, options);
  if (fullness === undefined && left !== undefined && left < options.soon_full_seconds) {
    const detail = `${who} will be full in ${Math.round(left / 60)} minutes at this rate`;
    return { status: 'warn', reason: 'filling', detail, measures };
  }
  if (fullness === undefined) return { status: 'pass', measures };
  const isGone = fullness === 'full' || fullness === 'inodes-exhausted';
  const isSpace = fullness === 'full' || fullness === 'nearly-full';
  const detail = isSpace
    ? `${who} has ${mebibytes(size.freeBytes)} of ${mebibytes(size.sizeBytes)} free`
    : `${who} has ${size.freeInodes} of ${size.inodes} inodes free`;
  return { status: isGone ? 'fail' : 'warn', reason: fullness, detail, measures };
}

/** A ratio is left out where there is no total: inodes of btrfs, blocks of pseudo file systems. */
function measuresOf({ freeBytes, sizeBytes, freeInodes, inodes }: FileSystemSize) {
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
