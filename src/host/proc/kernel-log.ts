/**
 * The processes that the kernel killed for lack of memory, from its log. Read only when a counter shows a kill:
 * reading costs more than the rest of a check.
 *
 * Source  /dev/kmsg (Documentation/ABI/testing/dev-kmsg): one record for each read, `level,number,micros,flags;text`,
 * micros since boot; mm/oom_kill.c for the two lines about a victim.
 */
import type { FileHandle } from 'node:fs/promises';
import { constants, open } from 'node:fs/promises';

import type { Paths } from '../../core/paths.ts';
import { inRoot } from '../fs/in-root.ts';

/** Larger than any record: a smaller buffer makes the read fail. */
const RECORD_BYTES = 16 * 1024;
/** A ring of the largest usual size holds fewer. */
const MAX_RECORDS = 50_000;

export interface OomVictim {
  readonly pid: number;
  readonly name: string;
  /** Since boot. */
  readonly seconds: number;
  /** Of a control group, and not of the host as a whole. */
  readonly isOfGroup: boolean;
}

const VICTIM =
  /^\d+,\d+,(?<micros>\d+),[^;]*;(?<group>Memory cgroup )?[Oo]ut of memory: Kill(?:ed)? process (?<pid>\d+) \((?<name>[^)]*)\)/;

/** Oldest first; undefined when the log cannot be read. */
export async function readOomVictims(paths: Paths): Promise<readonly OomVictim[] | undefined> {
  const file = await inRoot(
    paths,
    '/dev/kmsg',
    async (seenPath) => await open(seenPath, constants.O_RDONLY | constants.O_NONBLOCK),
  ).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    return parseOomVictims(await readAll(file));
  } finally {
    await file.close();
  }
}

export function parseOomVictims(text: string): readonly OomVictim[] {
  return text.split('\n').flatMap((line) => {
    const groups = VICTIM.exec(line)?.groups;
    if (groups === undefined) return [];
    return [
      {
        pid: Number(groups['pid']),
        name: groups['name'] ?? '',
        seconds: Number(groups['micros']) / 1e6,
        isOfGroup: groups['group'] !== undefined,
      },
    ];
  });
}

/** To the end, which is an error of the kind "try again" on the real thing, and no bytes on a file. */
async function readAll(file: FileHandle): Promise<string> {
  const buffer = Buffer.alloc(RECORD_BYTES);
  let text = '';
  for (let count = 0; count < MAX_RECORDS; count += 1) {
    // A record that was overwritten while it was read is an error too: what follows can still be had.
    const read = await file.read(buffer, 0, RECORD_BYTES).catch(codeOf);
    if (read === 'EPIPE') continue;
    if (typeof read === 'string' || read.bytesRead === 0) break;
    const record = buffer.toString('utf8', 0, read.bytesRead);
    if (record.includes('of memory')) text += record;
  }
  return text;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
