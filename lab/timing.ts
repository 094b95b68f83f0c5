/** `--timing [ROW ...]`: measures the rows of docs/timing.md, and keeps the times in `timing.json`. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { runRows } from './pool.ts';
import type { Timing } from './time-row.ts';
import { TIMED_ROWS } from './timed-rows.ts';

const FILE = join(import.meta.dirname, 'timing.json');
const MAX_ROW_MILLISECONDS = 3_600_000;

/** Seconds of each round, by row. */
export interface MeasuredTimes {
  readonly measuredOn: string;
  readonly rows: Readonly<Record<string, RowTimes>>;
}

interface RowTimes {
  readonly seen: readonly number[];
  readonly confirmed: readonly number[];
  readonly cleared: readonly number[];
}

export async function readTimes(): Promise<MeasuredTimes> {
  return JSON.parse(await readFile(FILE, 'utf8')) as MeasuredTimes;
}

/** Adds a round of these rows, by default of all, to those that are kept; true when each was measured. */
export async function measureTimes(
  wanted: readonly string[],
  signal: AbortSignal,
  print: (line: string) => void,
): Promise<boolean> {
  const ids = TIMED_ROWS.map(({ id }) => id).filter(
    (id) => wanted.length === 0 || wanted.includes(id),
  );
  const found = await runRows<Timing>(ids, signal, {
    flag: '--timing',
    maxMilliseconds: MAX_ROW_MILLISECONDS,
    failed: (id, problem, details) => ({ id, problem: `${problem} ${details.slice(0, 600)}` }),
    done: (timing) => print(lineOf(timing)),
  });
  const before = await readTimes().catch(() => ({ rows: {} }));
  const rows = found.reduce<MeasuredTimes['rows']>(withTiming, before.rows);
  const measuredOn = new Date().toISOString().slice(0, 10);
  await writeFile(FILE, `${JSON.stringify({ measuredOn, rows }, undefined, 2)}\n`);
  return found.every(({ problem }) => problem === undefined);
}

function withTiming(rows: MeasuredTimes['rows'], timing: Timing): MeasuredTimes['rows'] {
  const { id, seen, confirmed, cleared } = timing;
  if (seen === undefined || confirmed === undefined || cleared === undefined) return rows;
  const old = rows[id] ?? { seen: [], confirmed: [], cleared: [] };
  return {
    ...rows,
    [id]: {
      seen: [...old.seen, tenths(seen)],
      confirmed: [...old.confirmed, tenths(confirmed)],
      cleared: [...old.cleared, tenths(cleared)],
    },
  };
}

function tenths(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}

function lineOf({ id, seen, confirmed, cleared, problem }: Timing): string {
  if (problem !== undefined) return `FAILED ${id}  ${problem}`;
  const times = [seen, confirmed, cleared].map((one = 0) => one.toFixed(1)).join(' / ');
  return `ok     ${id}  seen / confirmed / cleared after ${times} s`;
}
