/** Records which reasons were produced, for the last check of `npm test`: each declared one must be. */
import { appendFileSync } from 'node:fs';

import type { Finding } from '../../src/core/finding.ts';

/** Names the file that receives `<probe>/<reason>` lines; without it nothing is recorded. */
export const SEEN_VARIABLE = 'RUNNERWATCH_SEEN_REASONS';

export function recordReason(probe: string, finding: Finding): void {
  const file = process.env[SEEN_VARIABLE];
  if (file !== undefined && finding.status !== 'pass') {
    appendFileSync(file, `${probe}/${finding.reason}\n`);
  }
}
