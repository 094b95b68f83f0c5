import { availableParallelism } from 'node:os';

import { defineConfig } from 'vitest/config';

import { COMPILE_CACHE } from './test/support/compile-cache.ts';
import { PATIENCE_MILLISECONDS } from './test/support/until.ts';
import { LongFilesFirst } from './tools/long-files-first.ts';
import { TALLY_VARIABLE, TallyReporter } from './tools/tally.ts';

/** For anybody but root `npm test` names them as left out. */
const NEEDS_ROOT = process.getuid?.() === 0 ? [] : ['test/root/**'];

export default defineConfig({
  test: {
    pool: 'forks',
    // Tests leave their process as it was: files share a worker, and what it has loaded.
    isolate: false,
    // Most tests wait for deadlines of their peers, not for a core.
    maxWorkers: Math.max(8, availableParallelism()),
    sequence: { sequencer: LongFilesFirst },
    // Bounds for what never ends. Nothing is measured by them: a busy machine may take its time.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: PATIENCE_MILLISECONDS } },
    allowOnly: false,
    // For the programs that tests start, and for those that they start.
    env: COMPILE_CACHE,
    reporters: process.env[TALLY_VARIABLE] === undefined ? ['default'] : [new TallyReporter()],
    include: ['test/**/*.test.ts'],
    exclude: NEEDS_ROOT,
  },
});
