/** A journal with entries of the test's choice: real files that the real journalctl reads. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

const WRITER = '/usr/lib/systemd/systemd-journal-remote';
const BOOT = '0123456789abcdef0123456789abcdef';

export type JournalFields = Readonly<Record<string, string>>;

export interface WrittenEntry {
  readonly at: number;
  readonly fields: JournalFields;
}

/** Written by the unit's main process. */
export function fromUnit(at: number, MESSAGE: string, over: JournalFields = {}): WrittenEntry {
  const fields = { MESSAGE, _SYSTEMD_UNIT: 'gitlab-runner.service', _PID: '812', ...over };
  return { at, fields };
}

/** Appends to the journal below a root folder; the file is made when it is not there. */
export async function writeJournal(
  rootfs: string,
  entries: readonly WrittenEntry[],
  name = 'system.journal',
): Promise<void> {
  const folder = join(rootfs, 'var/log/journal');
  await mkdir(folder, { recursive: true });
  const child = spawn(WRITER, [`--output=${join(folder, name)}`, '-'], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk) => (complaint += String(chunk)));
  child.stdin.end(Buffer.concat(entries.map((entry, index) => exportFormat(entry, index))));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`systemd-journal-remote ended with ${code}: ${complaint}`);
}

/** The journal export format: a text, or a length and bytes where it is not plain. */
function exportFormat({ at, fields }: WrittenEntry, index: number): Buffer {
  const all = {
    __REALTIME_TIMESTAMP: `${at * 1000 + index}`,
    __MONOTONIC_TIMESTAMP: `${1000 + index}`,
    _BOOT_ID: BOOT,
    ...fields,
  };
  const parts = Object.entries(all).map(([key, value]) => {
    if (/^[\u0020-\u007E]*$/.test(value)) return Buffer.from(`${key}=${value}\n`);
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(bytes.length));
    return Buffer.concat([Buffer.from(`${key}\n`), length, bytes, Buffer.from('\n')]);
  });
  return Buffer.concat([...parts, Buffer.from('\n')]);
}
