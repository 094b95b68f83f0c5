/** What runs inside the mount namespace: the flight recorder on a state directory without space. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { IncidentManager } from '../../src/recorder/incident-manager.ts';
import { setClock } from '../support/clock.ts';
import { mountTmpfs } from '../support/mount-namespace.ts';
import { brokenAt, fail, snapshotOf } from '../support/snapshots.ts';
import { viewOf } from '../support/views.ts';

const BROKEN = viewOf(snapshotOf(brokenAt('connect', fail('refused'))));

export async function recordOnFullDisk(folder: string) {
  mountTmpfs(folder, 'size=64k');
  fill(join(folder, 'ballast'));
  const problems: string[] = [];
  const book = new IncidentManager({
    clock: setClock(),
    stateDirectory: folder,
    onProblem: (problem) => problems.push(problem),
    changes: () => [],
    timeline: () => [],
    withChanges: (view) => view,
    surrounds: async () => ({
      routes: [],
      runnerLog: [],
      processes: { byCpu: [], byMemory: [] },
      hardware: {},
    }),
  });
  book.observe(BROKEN);
  await book.flush(true);
  await book.flush(false);
  const whileFull = { files: filesIn(folder), inMemory: book.list().length, problems };
  rmSync(join(folder, 'ballast'));
  await book.flush(false);
  const [file = ''] = filesIn(folder);
  const isWhole =
    readFileSync(join(folder, 'incidents', file), 'utf8') === book.text(file.slice(0, -5));
  return { whileFull, afterwards: filesIn(folder), isWhole };
}

/** Writes until there is no page left. */
function fill(file: string): void {
  for (const bytes of [4096, 1]) {
    try {
      for (;;) writeFileSync(file, new Uint8Array(bytes), { flag: 'a' });
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('ENOSPC')) throw error;
    }
  }
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(join(folder, 'incidents'));
}
