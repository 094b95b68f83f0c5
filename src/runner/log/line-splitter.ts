/** Splits bytes into lines. A line without an end is cut, so that it cannot fill the memory. */
import { StringDecoder } from 'node:string_decoder';

const MAX_CHARACTERS = 1024 * 1024;

export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #isCut = false;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    const [first = '', ...others] = `${this.#rest}${this.#decoder.write(chunk)}`.split('\n');
    let line = first;
    for (const next of others) {
      if (!this.#isCut) this.#onLine(line);
      this.#isCut = false;
      line = next;
    }
    this.#isCut ||= line.length > MAX_CHARACTERS;
    this.#rest = this.#isCut ? '' : line;
  }

  /** The end of a file that is over, whether it ends its last line or not. */
  end(): void {
    if (this.#rest !== '' && !this.#isCut) this.#onLine(this.#rest);
    this.#rest = '';
    this.#isCut = false;
  }
}
