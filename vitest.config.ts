import { defineConfig } from 'vitest/config';

import { PATIENCE_MILLISECONDS } from './test/support/until.ts';
import { TALLY_VARIABLE, TallyReporter } from './tools/tally.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Most tests wait for deadlines of their peers, not for a core.
    maxWorkers: 4,
    // Bounds for what never ends. Nothing is measured by them: a busy machine may take its time.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: PATIENCE_MILLISECONDS } },
    allowOnly: false,
    reporters: process.env[TALLY_VARIABLE] === undefined ? ['default'] : [new TallyReporter()],
  },
});
