/**
 * Stores incidents: one file each in the state directory, and compressed in memory, so that a reader touches no disk.
 * Bounded in number and size; the oldest are removed first. A disk that is full or hangs loses nothing that is in
 * memory: what could not be written is written later.
 */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

import type { IncidentSummary } from '../core/past.ts';
import { writeText } from '../host/fs/state-file.ts';
import { summaryOf } from './incident.ts';

export const MAX_INCIDENTS = 50;
const MAX_BYTES = 16 * 1024 * 1024;
/** Larger ones are none of ours. */
const MAX_FILE_BYTES = 2 * 1024 * 1024;
const FOLDER = 'incidents';

interface Kept {
  readonly summary: IncidentSummary;
  readonly packed: Buffer;
  readonly bytes: number;
  readonly isWritten: boolean;
}

/** Folder of the incident files in a state directory. */
export function incidentFolder(directory: string): string {
  return join(directory, FOLDER);
}

export class IncidentStore {
  readonly #directory: string | undefined;
  #kept = new Map<string, Kept>();
  #writing: Promise<string | undefined> | undefined;

  constructor(directory: string | undefined) {
    this.#directory = directory === undefined ? undefined : incidentFolder(directory);
  }

  /** Loads the incidents of an earlier run. */
  async load(): Promise<void> {
    const directory = this.#directory;
    if (directory === undefined) return;
    for (const name of (await incidentNamesIn(directory)).slice(0, MAX_INCIDENTS)) {
      const text = await readSmall(join(directory, name));
      const summary = text === undefined ? undefined : parseSummary(text);
      if (text !== undefined && summary !== undefined) this.#keep(summary, text, true);
    }
  }

  /** Puts an incident onto the shelf, or a newer text of it. */
  put(text: string): IncidentSummary | undefined {
    const summary = parseSummary(text);
    if (summary !== undefined) this.#keep(summary, text, false);
    return summary;
  }

  /** Newest first. */
  list(): readonly IncidentSummary[] {
    const summaries = [...this.#kept.values()].map(({ summary }) => summary);
    return summaries.toSorted((a, b) => b.confirmedAt - a.confirmedAt || (a.id < b.id ? 1 : -1));
  }

  text(id: string): string | undefined {
    const kept = this.#kept.get(id);
    return kept === undefined ? undefined : gunzipSync(kept.packed).toString('utf8');
  }

  /** Writes what is not written yet and removes what is too much; returns the first problem. */
  async flush(): Promise<string | undefined> {
    // One writer at a time: a disk that hangs must not collect them.
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return await this.#writing;
  }

  async #write(): Promise<string | undefined> {
    const directory = this.#directory;
    if (directory === undefined) return undefined;
    const open = [...this.#kept].filter(([, { isWritten }]) => !isWritten);
    for (const [id, kept] of open) {
      const text = gunzipSync(kept.packed).toString('utf8');
      const problem = await writeText(directory, `${id}.json`, text);
      if (problem !== undefined) return problem;
      if (this.#kept.get(id) === kept) this.#kept.set(id, { ...kept, isWritten: true });
    }
    if (open.length > 0) await this.#sweep(directory);
    return undefined;
  }

  async #sweep(directory: string): Promise<void> {
    const extra = (await incidentNamesIn(directory)).filter(
      (name) => !this.#kept.has(name.slice(0, -5)),
    );
    await Promise.all(
      extra.map((name) => rm(join(directory, name), { force: true }).catch(() => {})),
    );
  }

  #keep(summary: IncidentSummary, text: string, isWritten: boolean): void {
    const bytes = Buffer.byteLength(text);
    this.#kept.set(summary.id, { summary, packed: gzipSync(text), bytes, isWritten });
    const oldestFirst = this.list().toReversed();
    // One that lasts is the last to be given up.
    const inOrder = [
      ...oldestFirst.filter(({ recoveredAt }) => recoveredAt !== undefined),
      ...oldestFirst.filter(({ recoveredAt }) => recoveredAt === undefined),
    ];
    for (const { id } of inOrder) {
      if (!this.#isOverLimit()) break;
      this.#kept.delete(id);
    }
  }

  #isOverLimit(): boolean {
    const bytes = [...this.#kept.values()].reduce((sum, kept) => sum + kept.bytes, 0);
    return this.#kept.size > MAX_INCIDENTS || bytes > MAX_BYTES;
  }
}

/** Newest first; names begin with the time. */
async function incidentNamesIn(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  return names
    .filter((name) => /^\d{8}T\d{6}Z-[a-z0-9-]+\.json$/.test(name))
    .toSorted()
    .toReversed();
}

async function readSmall(path: string): Promise<string | undefined> {
  try {
    if ((await stat(path)).size > MAX_FILE_BYTES) return undefined;
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

function parseSummary(text: string): IncidentSummary | undefined {
  try {
    return summaryOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}
