/**
 * The smallest FUSE server that has one folder, and falls silent on demand: it takes questions and does not
 * answer. Who asks then waits in a call that no signal ends, as on a dead network file system.
 *
 * Source  the kernel's FUSE protocol, linux/fuse.h, version 7.31. Runs as a process of its own, with
 *         /dev/fuse open as file 3; a line `silent` or `talk` on its input switches it and
 *         comes back; `held` reports each question that is kept without an answer.
 */
import { read, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const DEVICE = 3;
const REQUEST_BYTES = 40;
const REPLY_BYTES = 16;
/** More than the kernel's least size, and than the largest write that is announced below. */
const BUFFER_BYTES = 128 * 1024;
const ENOENT = 2;
const ENOSYS = 38;

const OPERATION = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  statfs: 17,
  init: 26,
  interrupt: 36,
  batchForget: 42,
};
const NEVER_ANSWERED: readonly number[] = [
  OPERATION.forget,
  OPERATION.interrupt,
  OPERATION.batchForget,
];

interface Request {
  readonly operation: number;
  readonly unique: bigint;
}

/** Serves until it is killed or its mount is gone. */
export async function serveFuse(): Promise<void> {
  const held: Request[] = [];
  let isSilent = false;
  const buffer = Buffer.alloc(BUFFER_BYTES);
  const next = async (): Promise<Request> => {
    await promisify(read)(DEVICE, buffer, 0, BUFFER_BYTES, null);
    return { operation: buffer.readUInt32LE(4), unique: buffer.readBigUInt64LE(8) };
  };
  // The kernel's first one is about the mount itself. Without an answer, all who ask wait for that, and can be killed.
  answer(await next());
  createInterface({ input: process.stdin }).on('line', (line) => {
    isSilent = line === 'silent';
    if (!isSilent) for (const request of held.splice(0)) answer(request);
    process.stdout.write(`${line}\n`);
  });
  for (;;) {
    const request = await next();
    if (!isSilent) answer(request);
    else if (!NEVER_ANSWERED.includes(request.operation)) {
      held.push(request);
      process.stdout.write('held\n');
    }
  }
}

function answer({ operation, unique }: Request): void {
  if (NEVER_ANSWERED.includes(operation)) return;
  const body = bodyOf(operation);
  const head = Buffer.alloc(REPLY_BYTES);
  head.writeUInt32LE(REPLY_BYTES + (body?.length ?? 0), 0);
  head.writeInt32LE(body === undefined ? -errorOf(operation) : 0, 4);
  head.writeBigUInt64LE(unique, 8);
  writeSync(DEVICE, Buffer.concat([head, body ?? Buffer.alloc(0)]));
}

/** The folder is empty; the kernel sends an unsupported operation only once. */
function errorOf(operation: number): number {
  return operation === OPERATION.lookup ? ENOENT : ENOSYS;
}

function bodyOf(operation: number): Buffer | undefined {
  switch (operation) {
    case OPERATION.init:
      return initOut();
    case OPERATION.getattr:
      return attributesOut();
    case OPERATION.statfs:
      return sizeOut();
    default:
      return undefined;
  }
}

function initOut(): Buffer {
  const out = Buffer.alloc(64);
  out.writeUInt32LE(7, 0);
  out.writeUInt32LE(31, 4);
  out.writeUInt32LE(BUFFER_BYTES - REQUEST_BYTES - 4096, 20);
  return out;
}

/** The root: a folder, inode 1. Not cached, so every access is a request. */
function attributesOut(): Buffer {
  const out = Buffer.alloc(104);
  out.writeBigUInt64LE(1n, 16);
  out.writeUInt32LE(0o040755, 76);
  out.writeUInt32LE(2, 80);
  return out;
}

/** A quarter of 4 GiB is free. */
function sizeOut(): Buffer {
  const out = Buffer.alloc(80);
  const numbers = [1_048_576n, 262_144n, 262_144n, 1000n, 500n];
  for (const [index, number] of numbers.entries()) out.writeBigUInt64LE(number, index * 8);
  out.writeUInt32LE(4096, 40);
  out.writeUInt32LE(255, 44);
  out.writeUInt32LE(4096, 48);
  return out;
}
