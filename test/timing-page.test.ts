/** docs/timing.md shows what was measured, with the intervals that are the defaults. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { isFault } from '../lab/scenario.ts';
import { ROWS } from '../lab/scenarios/index.ts';
import { TIMED_ROWS } from '../lab/timed-rows.ts';
import { readTimes } from '../lab/timing.ts';
import { ALL_PROBES } from '../src/cli/all-probes.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../docs/timing.md'), 'utf8');
/** The follow-ups of a failed link, and the wait for a core of the machine that measures. */
const BUSY_SECONDS = 20;

test.each(ALL_PROBES.map(({ id, intervalSeconds }) => [id, intervalSeconds] as const))(
  '%s is on the page, with its interval',
  (id, seconds) => {
    expect(PAGE).toMatch(new RegExp(`^\\| \`${id}\` \\| ${seconds} s \\|`, 'm'));
  },
);

describe.each(TIMED_ROWS)('$id', ({ id, probe }) => {
  const row = ROWS.find((one) => one.id === id);

  test('is a fault of the lab, and on the page', () => {
    expect(row !== undefined && isFault(row)).toBe(true);
    expect(PAGE).toContain(`| ${row?.title} |`);
  });

  test('was seen within two turns of its check, and confirmed after that', async () => {
    const { intervalSeconds = 0, timeoutSeconds = 0 } =
      ALL_PROBES.find((one) => one.id === probe) ?? {};
    const { seen = [], confirmed = [], cleared = [] } = (await readTimes()).rows[id] ?? {};

    expect(seen).not.toEqual([]);
    expect(Math.max(...seen)).toBeLessThan(2 * intervalSeconds + timeoutSeconds + BUSY_SECONDS);
    expect(confirmed.every((seconds, round) => seconds >= (seen[round] ?? 0))).toBe(true);
    expect(cleared).toHaveLength(seen.length);
  });
});
