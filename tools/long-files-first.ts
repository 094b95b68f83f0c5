/**
 * The order in which `npm test` starts the files: those that take longest first, so that none of them runs alone at the
 * end. Vitest knows how long a file took the last time, but nothing on a fresh clone; there it takes the size of a file
 * for its time.
 */
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** They wait for most of a minute, for deadlines or real intervals, or install and build; the later ones for a third of that. */
const LONG = [
  'test/root/network-quality.test.ts',
  'test/canary.test.ts',
  'test/deploy/notifications.test.ts',
  'test/fresh-clone.test.ts',
  'test/cli/serve.test.ts',
  'test/recipes.test.ts',
  'test/deploy/rules.test.ts',
  'test/demo/faults.test.ts',
  'test/root/demo-container.test.ts',
  'test/cli/check.test.ts',
  'test/page-browser.test.ts',
  'test/readme.test.ts',
  'test/root/dns.test.ts',
  'test/follow-ups/dns-cross-check-requests.test.ts',
  'test/host/picture.test.ts',
  'test/deploy/request-rate.test.ts',
  'test/cli/serve-stopped.test.ts',
  'test/cli/hung-file.test.ts',
  'test/server/listen.test.ts',
  'test/root/hanging.test.ts',
  'test/daemon/runner-log.test.ts',
  'test/probes/dns.test.ts',
  'test/root/connect.test.ts',
  'test/root/survival.test.ts',
  'test/go/dns/resolver.test.ts',
  'test/follow-ups/dns-cross-check.test.ts',
  'test/runner/log/log-watch.test.ts',
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
