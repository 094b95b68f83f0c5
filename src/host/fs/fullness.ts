/** How full is a file system for ordinary users? The one rule for all checks. */
import type { FileSystemSize } from './stat-file-system.ts';

export interface FullnessLimits {
  /** Below this share of space or inodes it is full. */
  readonly full_ratio: number;
  /** Below this much space it is full, but never above 5 % of its size. */
  readonly full_bytes: number;
  /** Below this share it is short. */
  readonly low_ratio: number;
}

export type Fullness = 'full' | 'inodes-exhausted' | 'nearly-full' | 'inodes-low';

const MEBIBYTE = 1024 ** 2;
export const DEFAULT_FULLNESS: FullnessLimits = {
  full_ratio: 0.01,
  full_bytes: 200 * MEBIBYTE,
  low_ratio: 0.05,
};

/** A floor in bytes must not call a small, nearly empty file system full. */
const FLOOR_SHARE = 0.05;

/** The worst that is true; undefined for one with room. */
export function fullnessOf(size: FileSystemSize, limits: FullnessLimits): Fullness | undefined {
  const { freeBytes, sizeBytes, freeInodes, inodes } = size;
  const space = sizeBytes === 0 ? 1 : freeBytes / sizeBytes;
  // File systems that make inodes on demand have none to run out of.
  const nodes = inodes === 0 ? 1 : freeInodes / inodes;
  const floor = Math.min(limits.full_bytes, sizeBytes * FLOOR_SHARE);
  if (space < limits.full_ratio || freeBytes < floor) return 'full';
  if (nodes < limits.full_ratio) return 'inodes-exhausted';
  if (space < limits.low_ratio) return 'nearly-full';
  return nodes < limits.low_ratio ? 'inodes-low' : undefined;
}
