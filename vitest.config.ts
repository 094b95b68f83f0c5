import { availableParallelism } from 'node:os';

import { defineConfig } from 'vitest/config';

import { COMPILE_CACHE } from './test/support/compile-cache.ts';
import { PATIENCE_MILLISECONDS } from './test/support/until.ts';
import { LongFilesFirst } from './tools/long-files-first.ts';
import { TALLY_VARIABLE, TallyReporter } from './tools/tally.ts';

/**
 * Their tests leave their process as it was. Files of theirs share a worker and what it has loaded, which is half of the
 * time that they take.
 */
const UNITS = [
  'checks',
  'config',
  'core',
  'diagnosis',
  'discovery',
  'follow-ups',
  'gitlab',
  'go',
  'host',
  'lint',
  'metrics',
  'probes',
  'recorder',
  'report',
  'runner',
].map((room) => `test/${room}/**/*.test.ts`);

/** For anybody but root `npm test` names them as left out. */
const NEEDS_ROOT = process.getuid?.() === 0 ? [] : ['test/root/**'];

export default defineConfig({
  test: {
    pool: 'forks',
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
    projects: [
      { extends: true, test: { name: 'units', include: UNITS, isolate: false } },
      {
        extends: true,
        test: {
          name: 'programs',
          include: ['test/**/*.test.ts'],
          exclude: [...UNITS, ...NEEDS_ROOT],
        },
      },
    ],
  },
});
