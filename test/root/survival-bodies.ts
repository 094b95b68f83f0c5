/** What runs inside the mount namespace: the real program on a state directory and a log without space. */
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { mountTmpfs } from '../support/mount-namespace.ts';
import { startQuickDaemon } from '../support/quick-daemon.ts';

export async function serveWithoutSpace(folder: string) {
  mkdirSync(folder, { recursive: true });
  const full = join(folder, 'full');
  mountTmpfs(full, 'size=64k');
  const log = openSync(join(full, 'log'), 'a');
  try {
    for (;;) writeFileSync(join(full, 'ballast'), new Uint8Array(4096), { flag: 'a' });
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('ENOSPC')) throw error;
  }
  const stateDirectory = join(full, 'state');
  await using daemon = await startQuickDaemon(folder, {
    quick: ['memory', 'config'],
    stateDirectory,
    stdio: ['ignore', log, log],
  });
  await daemon.untilCheck('memory', ({ status }) => status === 'pass' || status === 'warn');
  const first = await daemon.check('memory');
  // It continues to check: later results come in.
  await daemon.untilCheck('memory', ({ at }) => at !== first?.at);
  return await daemon.end();
}
