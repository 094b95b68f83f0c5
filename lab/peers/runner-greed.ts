/** What the lab's runner does when it is told to take more than it may: memory, or open files. */
import { openSync } from 'node:fs';

const CHUNK_BYTES = 8 * 1024 * 1024;
const PAUSE_MILLISECONDS = 5;

/** Until somebody ends it. */
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
