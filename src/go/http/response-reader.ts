/**
 * Reads one answer from bytes as they arrive, by the rules of Go's client: response-head.ts has those of the head, chunks
 * are read here. A trailer is read and not judged: the runner has its JSON before.
 */
import { ByteQueue } from './byte-queue.ts';
import type { HeadFault, ResponseHead, StatusLine } from './response-head.ts';
import { isInterim, readHead, readHeaderLines, readStatusLine } from './response-head.ts';

export type ReadFault = HeadFault | { readonly fault: 'http2-only'; readonly text: string };

/** Go's client takes no more. */
const MAX_HEAD_BYTES = 10 * 1024 * 1024;
const MAX_SIZE_LINE = 4096;
const MAX_SIZE_DIGITS = 16;
const FRAME_HEAD_BYTES = 9;

type Stage =
  | 'status'
  | 'headers'
  | 'length'
  | 'to-end'
  | 'size'
  | 'chunk'
  | 'chunk-end'
  | 'trailer'
  | 'done';

export class ResponseReader {
  readonly #emptyLengths: boolean;
  readonly #bytes = new ByteQueue();
  readonly #body: Buffer[] = [];
  #stage: Stage = 'status';
  #headBytes = 0;
  #line: StatusLine | undefined;
  #lines: string[] = [];
  /** Bytes of the body, or of the chunk, that are to come. */
  #left = 0;
  #bodyLength = 0;
  #fault: ReadFault | undefined;
  head: ResponseHead | undefined;

  /** `emptyLengths`: an empty Content-Length is read as none. */
  constructor(emptyLengths = false) {
    this.#emptyLengths = emptyLengths;
  }

  get fault(): ReadFault | undefined {
    return this.#fault;
  }

  get bodyLength(): number {
    return this.#bodyLength;
  }

  get body(): Buffer {
    return Buffer.concat(this.#body);
  }

  get isComplete(): boolean {
    return this.#stage === 'done';
  }

  /** Complete, and nothing came that is not part of it. */
  get isClean(): boolean {
    return this.isComplete && this.#bytes.length === 0;
  }

  push(chunk: Buffer): void {
    this.#bytes.push(chunk);
    while (this.#fault === undefined && this.#step());
  }

  /** The connection ended: the answer is complete if it has no other end, or was only to say that no chunk follows. */
  end(): void {
    if (this.#stage === 'to-end' || this.#stage === 'trailer') this.#stage = 'done';
  }

  /** False when more bytes are needed. */
  #step(): boolean {
    switch (this.#stage) {
      case 'status':
        return this.#readStatus();
      case 'headers':
        return this.#readHeader();
      case 'length':
      case 'to-end':
        return this.#readBody();
      case 'size':
        return this.#readSize();
      case 'chunk':
        return this.#readChunk();
      case 'chunk-end':
        return this.#readChunkEnd();
      case 'trailer':
        return this.#readTrailer();
      case 'done':
        return false;
    }
  }

  #fail(fault: ReadFault | string): false {
    this.#fault = typeof fault === 'string' ? { fault: 'malformed', text: fault } : fault;
    return false;
  }

  /** A line of the head; undefined while it is not complete. */
  #headLine(): string | undefined {
    const line = this.#bytes.takeLine();
    this.#headBytes += line?.length ?? 0;
    const waiting = line === undefined ? this.#bytes.length : 0;
    if (this.#headBytes + waiting > MAX_HEAD_BYTES) {
      this.#fail('the head of the response is longer than 10 MiB');
      return undefined;
    }
    return line?.replace(/\r$/, '');
  }

  #readStatus(): boolean {
    const first = this.#bytes.peek(FRAME_HEAD_BYTES);
    if (isHttp2Frame(first)) {
      return this.#fail({ fault: 'http2-only', text: 'the server answers in HTTP/2 to HTTP/1.1' });
    }
    const text = this.#headLine();
    if (text === undefined) return false;
    const line = readStatusLine(text);
    if ('fault' in line) return this.#fail(line);
    this.#line = line;
    this.#stage = 'headers';
    return true;
  }

  #readHeader(): boolean {
    const text = this.#headLine();
    if (text === undefined || this.#line === undefined) return false;
    if (text !== '') {
      this.#lines.push(text);
      return true;
    }
    const lines = readHeaderLines(this.#lines);
    const head = 'fault' in lines ? lines : readHead(this.#line, lines, this.#emptyLengths);
    if ('fault' in head) return this.#fail(head);
    this.#lines = [];
    if (isInterim(head.status)) {
      this.#stage = 'status';
      return true;
    }
    this.head = head;
    this.#begin(head);
    return true;
  }

  #begin({ body }: ResponseHead): void {
    if (body === 'chunked') this.#stage = 'size';
    else if (body === 0) this.#stage = 'done';
    else {
      this.#stage = body === 'to-end' ? 'to-end' : 'length';
      this.#left = body === 'to-end' ? Infinity : body;
    }
  }

  #readBody(): boolean {
    if (!this.#takeBody()) return false;
    if (this.#left === 0) this.#stage = 'done';
    return true;
  }

  #readChunk(): boolean {
    if (!this.#takeBody()) return false;
    if (this.#left === 0) this.#stage = 'chunk-end';
    return true;
  }

  #takeBody(): boolean {
    if (this.#bytes.length === 0) return false;
    const taken = this.#bytes.take(this.#left);
    this.#left -= taken.length;
    this.#bodyLength += taken.length;
    this.#body.push(taken);
    return true;
  }

  #readSize(): boolean {
    const line = this.#bytes.takeLine();
    if (
      (line ?? '').length > MAX_SIZE_LINE ||
      (line === undefined && this.#bytes.length > MAX_SIZE_LINE)
    )
      return this.#fail('a line with the size of a chunk is too long');
    if (line === undefined) return false;
    const size = readSize(line);
    if (typeof size === 'string') return this.#fail(size);
    this.#left = size;
    this.#stage = size === 0 ? 'trailer' : 'chunk';
    return true;
  }

  #readChunkEnd(): boolean {
    if (this.#bytes.length < 2) return false;
    if (this.#bytes.take(2).toString('latin1') !== '\r\n')
      return this.#fail('a chunk is longer or shorter than its size');
    this.#stage = 'size';
    return true;
  }

  #readTrailer(): boolean {
    const line = this.#headLine();
    if (line === undefined) return false;
    if (line === '') this.#stage = 'done';
    return true;
  }
}

/** The size in bytes, or what is wrong with it. */
function readSize(line: string): number | string {
  if (!line.endsWith('\r')) return 'a line with the size of a chunk does not end with CR LF';
  const text = line.slice(0, -1);
  if (text.includes('\r')) return 'a line with the size of a chunk contains a CR';
  const [digits = ''] = text.replace(/[ \t]+$/, '').split(';');
  if (!/^[0-9a-f]+$/i.test(digits)) return 'the size of a chunk is not a hexadecimal number';
  if (digits.length > MAX_SIZE_DIGITS) return 'the size of a chunk is too large';
  return Number.parseInt(digits, 16);
}

const SETTINGS = 4;
const GOAWAY = 7;

/** The first frame of a server on stream 0: three bytes of length, type, flags, stream. */
function isHttp2Frame(bytes: Buffer): boolean {
  if (bytes.length < FRAME_HEAD_BYTES || bytes[0] !== 0) return false;
  const type = bytes[3];
  return (type === SETTINGS || type === GOAWAY) && bytes.readUInt32BE(5) === 0;
}
