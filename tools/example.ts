/**
 * Regenerates the example of README.md: what `runnerwatch check` prints when GitLab's certificate is from an authority
 * that the runner does not trust. Run by `npm run example`; test/readme.test.ts compares.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { brokenTrust, withExample } from './example/broken-trust.ts';

const README = join(import.meta.dirname, '../README.md');

writeFileSync(README, withExample(readFileSync(README, 'utf8'), await brokenTrust()));
