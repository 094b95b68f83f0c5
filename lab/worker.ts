/**
 * One row in its own process, which is the first of a PID namespace and runs in the network namespace of GitLab:
 * `unshare --net --mount --pid --fork --kill-child --mount-proc node worker.ts ROW`. It prints the outcome as one line
 * of JSON, and ends when its stdin does, so that nothing outlives the lab.
 */
import { execFileSync } from 'node:child_process';

import { GROUP_VARIABLE, enterGroup } from './container/group.ts';
import { runRow } from './run-row.ts';
import { isFault, isMissing } from './scenario.ts';
import { timeRow } from './time-row.ts';
import { ROWS } from './scenarios/index.ts';
import { hasEngine } from './world.ts';

/** Hidden behind a memory file system of this mount namespace: what is written there goes with it. */
const FOLDER = '/mnt';

process.stdin.once('end', () => process.exit(1)).resume();
execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', FOLDER]);
const row = ROWS.find(({ id }) => id === process.argv[2]);
if (row === undefined || isMissing(row))
  throw new Error(`there is no row ${process.argv[2]} to run`);
const group = process.env[GROUP_VARIABLE];
if (hasEngine(row.world ?? {}) && group !== undefined) await enterGroup(group);
const isTimed = process.argv[3] === '--timing' && isFault(row);
const outcome = await (isTimed ? timeRow(row, `${FOLDER}/host`) : runRow(row, `${FOLDER}/host`));
process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0));
