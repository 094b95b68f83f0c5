/** Plays a row at the default settings, and takes the times: seen, confirmed, cleared. */
import { setTimeout as delay } from 'node:timers/promises';

import type { Report } from '../src/report/document.ts';
import { untilGood } from './observe.ts';
import { lacksHealth, mend, stillNamed } from './run-row.ts';
import type { FaultRow } from './scenario.ts';
import { buildWorld, networkFor } from './world.ts';

/** Longer than the longest interval of a check. */
const PATIENCE_SECONDS = 1000;
/** A fault begins at any moment of a turn. */
const TURN_MILLISECONDS = 15_000;

/** Seconds after the fault, or after its repair. */
export interface Timing {
  readonly id: string;
  readonly seen?: number;
  readonly confirmed?: number;
  readonly cleared?: number;
  readonly problem?: string;
}

export async function timeRow(row: FaultRow, root: string): Promise<Timing> {
  await using stack = new AsyncDisposableStack();
  const options = { ...row.world, hasDefaultSettings: true };
  const network = stack.use(await networkFor(options, root));
  const world = await buildWorld(network, root, options, stack);
  const { id } = row;
  await world.startDaemon();
  const healthy = await untilGood(world.daemon, lacksHealth, PATIENCE_SECONDS);
  if (healthy.lacks !== undefined) return { id, problem: `not healthy before: ${healthy.lacks}` };
  await delay(Math.random() * TURN_MILLISECONDS);
  await row.inject(world);
  const lack = (report: Report): string | undefined => unnamed(report, row);
  const seen = await untilGood(world.daemon, lack, PATIENCE_SECONDS);
  if (seen.lacks !== undefined) return { id, problem: `not found: ${seen.lacks}` };
  const unproven = (report: Report): string | undefined => lack(report) ?? suspected(report, row);
  const proven = await untilGood(world.daemon, unproven, PATIENCE_SECONDS);
  if (proven.lacks !== undefined) return { id, problem: `not confirmed: ${proven.lacks}` };
  await mend(row, world, await world.daemon.get('/health?format=text'));
  const cleared = await untilGood(
    world.daemon,
    (report) => lacksHealth(report) ?? stillNamed(report, row),
    PATIENCE_SECONDS,
  );
  if (cleared.lacks !== undefined) return { id, problem: `not cleared: ${cleared.lacks}` };
  return {
    id,
    seen: seen.seconds,
    confirmed: seen.seconds + proven.seconds,
    cleared: cleared.seconds,
  };
}

/** Its chain may be complete only a turn later. */
function unnamed({ causes }: Report, { expect: { cause } }: FaultRow): string | undefined {
  const wanted = [cause].flat();
  return causes.some(({ id }) => wanted.includes(id)) ? undefined : 'not named';
}

function suspected({ causes }: Report, { expect: { cause } }: FaultRow): string | undefined {
  const named = causes.find(({ id }) => [cause].flat().includes(id));
  return named?.confidence === 'confirmed' ? undefined : 'suspected';
}
