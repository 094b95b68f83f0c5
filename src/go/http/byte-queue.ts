/** Bytes as they arrive, taken by line or by count. */
const LINE_FEED = 0x0a;

export class ByteQueue {
  #bytes: Buffer = Buffer.alloc(0);
  /** Not joined while they hold no end of a line: a head of many small parts would be copied as often. */
  #waiting: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    this.#waiting.push(chunk);
    this.#length += chunk.length;
  }

  /** Up to and without the line feed; undefined while there is none. */
  takeLine(): string | undefined {
    const isEnded = [this.#bytes, ...this.#waiting].some((part) => part.includes(LINE_FEED));
    if (!isEnded) return undefined;
    const line = this.take(this.#join().indexOf(LINE_FEED) + 1);
    return line.subarray(0, -1).toString('latin1');
  }

  /** At most so many bytes. */
  take(count: number): Buffer {
    const bytes = this.#join();
    const taken = bytes.subarray(0, count);
    this.#bytes = bytes.subarray(taken.length);
    this.#length -= taken.length;
    return taken;
  }

  /** The first bytes, which stay. */
  peek(count: number): Buffer {
    return this.#join().subarray(0, count);
  }

  #join(): Buffer {
    if (this.#waiting.length > 0) {
      this.#bytes = Buffer.concat([this.#bytes, ...this.#waiting]);
      this.#waiting = [];
    }
    return this.#bytes;
  }
}
