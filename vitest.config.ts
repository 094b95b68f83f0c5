import { defineConfig } from 'vitest/config';

import { TALLY_VARIABLE, TallyReporter } from './tools/tally.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Most tests wait for deadlines of their peers, not for a core.
    maxWorkers: 4,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    allowOnly: false,
    reporters: process.env[TALLY_VARIABLE] === undefined ? ['default'] : [new TallyReporter()],
  },
});
