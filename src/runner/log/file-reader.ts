/**
 * Follows a log file, that of the runner or that of the engine of its container: from its end at the start, over
 * rotation (another file has its name) and truncation (it became shorter). Polls once a second; one read at a time, so
 * that a mount that hangs takes one thread of the pool and no more.
 */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';

import { errnoText, isErrno } from '../../core/errno.ts';
import { EngineLineJoiner, parseEngineLine } from './engine-line.ts';
import { LineSplitter } from './line-splitter.ts';
import { parseSyslog } from './log-line.ts';
import type { Reader, ReaderDeps } from './reader.ts';
import { inRoot, statIn } from '../../host/fs/in-root.ts';

const POLL_MILLISECONDS = 1000;
/** Of what is there at the start. */
const MAX_OLD_BYTES = 512 * 1024;
/** For one read; the rest of a faster log is read later. */
const MAX_BYTES = 4 * 1024 * 1024;

interface Opened {
  readonly handle: FileHandle;
  readonly inode: number;
}

export class FileReader implements Reader {
  readonly #path: string;
  readonly #deps: ReaderDeps;
  readonly #joiner = new EngineLineJoiner();
  #lines: LineSplitter;
  #opened: Opened | undefined;
  #offset = 0;
  #isFirst = true;
  #isOld = true;
  #modifiedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(path: string, deps: ReaderDeps) {
    this.#path = path;
    this.#deps = deps;
    this.#lines = new LineSplitter((line) => this.#take(line));
    deps.onState({ state: 'starting', detail: path });
    void this.#poll();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    void this.#close();
  }

  async #poll(): Promise<void> {
    try {
      await this.#follow();
      this.#deps.onState({ state: 'reading', detail: this.#path });
    } catch (error) {
      const state = isErrno(error, 'EACCES', 'EPERM') ? 'not-allowed' : 'failed';
      const detail = `${this.#path} cannot be read (${errnoText(error)})`;
      this.#deps.onState({ state, detail });
    }
    if (this.#isStopped) await this.#close();
    else this.#timer = setTimeout(() => void this.#poll(), POLL_MILLISECONDS);
  }

  async #follow(): Promise<void> {
    const found = await statIn(this.#deps.paths, this.#path).catch((error: unknown) => {
      // A file that appears later is all new.
      this.#isFirst = false;
      this.#isOld = false;
      throw error;
    });
    this.#modifiedAt = found.mtimeMs;
    if (this.#opened !== undefined && this.#opened.inode !== found.ino) {
      // What was written to the old one before it was moved away.
      await this.#readOn();
      this.#lines.end();
      await this.#close();
    }
    if (this.#opened === undefined) {
      const { paths } = this.#deps;
      const handle = await inRoot(paths, this.#path, async (seenPath) => await open(seenPath, 'r'));
      this.#opened = { handle, inode: found.ino };
      this.#offset = this.#isFirst ? Math.max(0, found.size - MAX_OLD_BYTES) : 0;
    }
    const isShorter = (await this.#opened.handle.stat()).size < this.#offset;
    if (isShorter) this.#offset = 0;
    await this.#readOn();
    this.#isFirst = false;
    this.#isOld = false;
  }

  async #readOn(): Promise<void> {
    const opened = this.#opened;
    if (opened === undefined) return;
    const { size } = await opened.handle.stat();
    const buffer = Buffer.alloc(Math.min(MAX_BYTES, Math.max(0, size - this.#offset)));
    if (buffer.length === 0) return;
    const { bytesRead } = await opened.handle.read(buffer, 0, buffer.length, this.#offset);
    this.#offset += bytesRead;
    this.#lines.push(buffer.subarray(0, bytesRead));
  }

  #take(line: string): void {
    if (!this.#isOld && !this.#deps.mayTake()) return;
    const wrapped = parseEngineLine(line);
    if (wrapped !== undefined) {
      const whole = this.#joiner.push(wrapped);
      if (whole === undefined) return;
      this.#deps.onLine({ text: whole.text, at: whole.at, isOld: this.#isOld });
      return;
    }
    const dated = parseSyslog(line, this.#deps.clock.wall());
    const latest = this.#isOld ? { latestAt: this.#modifiedAt } : {};
    this.#deps.onLine({ text: line, isOld: this.#isOld, ...latest, ...dated });
  }

  async #close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.handle.close().catch(() => {});
  }
}
