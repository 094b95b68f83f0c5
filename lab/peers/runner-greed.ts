/** Makes the lab's runner take more memory or open more files than it may. */
import { openSync } from 'node:fs';

const CHUNK_BYTES = 8 * 1024 * 1024;
const PAUSE_MILLISECONDS = 5;

/** Until the process is ended. */
export function takeMemory(): void {
  const held: Buffer[] = [];
  setInterval(() => held.push(Buffer.alloc(CHUNK_BYTES, 1)), PAUSE_MILLISECONDS);
}

/** More than the limit of a row that wants none to be left; after a higher limit there are some again. */
const MAX_HELD_FILES = 64;
const heldFiles: number[] = [];

/** They are never given back. */
export function takeAllFiles(): void {
  try {
    while (heldFiles.length < MAX_HELD_FILES) heldFiles.push(openSync('/dev/null', 'r'));
  } catch {
    // There is none left.
  }
}
