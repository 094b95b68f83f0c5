/** For probes that read /proc twice: changes files between the readings. */
import type { Paths } from '../../src/core/paths.ts';

/** The first `reads` files below /proc are those of `before`, later ones those of `after`. */
export function laterReading(before: Paths, after: Paths, reads: number): Paths {
  let count = 0;
  return {
    ...before,
    get procfs() {
      count += 1;
      return count <= reads ? before.procfs : after.procfs;
    },
  };
}
