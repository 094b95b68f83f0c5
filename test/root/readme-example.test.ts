/** The example of README.md: what it says of the jobs of root needs a runner of root. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { brokenTrust, withExample } from '../../tools/example/broken-trust.ts';

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');

test('the example is what the program prints; `npm run example` writes it again', async () => {
  expect(withExample(README, await brokenTrust())).toBe(README);
});
