/**
 * The order in which `npm test` starts the files: those that take longest first, so that none of them runs alone at the
 * end. Vitest knows how long a file took the last time, but nothing on a fresh clone; there it takes the size of a file
 * for its time.
 */
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** They wait for most of a minute, for deadlines and real intervals, or install and build. */
const LONG = [
  'test/canary.test.ts',
  'test/deploy/notifications.test.ts',
  'test/root/network-quality.test.ts',
  'test/fresh-clone.test.ts',
  'test/page-browser.test.ts',
  'test/cli/serve.test.ts',
  'test/demo/faults.test.ts',
  'test/recipes.test.ts',
  'test/deploy/rules.test.ts',
  'test/cli/check.test.ts',
  'test/readme.test.ts',
  'test/root/dns.test.ts',
  'test/host/picture.test.ts',
];

export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const index = LONG.findIndex((name) => moduleId.endsWith(`/${name}`));
  return index === -1 ? LONG.length : index;
}
