/** The beginning of a file, whatever size it tells: files of the kernel say 0, and some have no end. */
import { constants, open } from 'node:fs/promises';

const CHUNK_BYTES = 64 * 1024;

const { O_RDONLY, O_NONBLOCK } = constants;

export async function readAtMost(seenPath: string, maxBytes: number): Promise<Buffer> {
  return await readOpened(seenPath, O_RDONLY, maxBytes);
}

/** Rejects rather than waits for what a file such as /proc/kmsg may yet tell. */
export async function readAtOnce(seenPath: string, maxBytes: number): Promise<Buffer> {
  return await readOpened(seenPath, O_RDONLY | O_NONBLOCK, maxBytes);
}

async function readOpened(seenPath: string, flags: number, maxBytes: number): Promise<Buffer> {
  await using file = await open(seenPath, flags);
  const chunks: Buffer[] = [];
  for (let left = maxBytes; left > 0;) {
    const chunk = Buffer.alloc(Math.min(left, CHUNK_BYTES));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
    if (bytesRead === 0) break;
    chunks.push(chunk.subarray(0, bytesRead));
    left -= bytesRead;
  }
  return Buffer.concat(chunks);
}
