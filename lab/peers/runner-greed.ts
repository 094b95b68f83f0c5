/** Makes the lab's runner take more memory or open more files than it may. */
import { openSync } from 'node:fs';

const CHUNK_BYTES = 8 * 1024 * 1024;
const PAUSE_MILLISECONDS = 5;

/** Until the process is ended. */
export function takeMemory(): void {
  const held: Buffer[] = [];
  setInterval(() => held.push(Buffer.alloc(CHUNK_BYTES, 1)), PAUSE_MILLISECONDS);
}

/** They are never given back. */
export function takeAllFiles(): void {
  const held: number[] = [];
  try {
    for (;;) held.push(openSync('/dev/null', 'r'));
  } catch {
    // There is none left.
  }
}
