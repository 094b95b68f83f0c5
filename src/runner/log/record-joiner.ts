/**
 * Joins the lines of one message. In the runner's own format a record begins with a colour and its message ends where
 * the colour is reset: a line without that end continues in the next one.
 */
import type { RawLine } from './reader.ts';

const BEGIN = /^(?:\p{Cc}|#033)\[(?:0;33|31;1)m/u;
const END = /(?:\p{Cc}|#033)\[0;m/u;
/** A longer record is not a message. */
const MAX_LINES = 40;

export class RecordJoiner {
  readonly #onRecord: (line: RawLine) => void;
  #open: RawLine[] = [];

  constructor(onRecord: (line: RawLine) => void) {
    this.#onRecord = onRecord;
  }

  push(line: RawLine): void {
    const isBegin = BEGIN.test(line.text);
    if (isBegin) this.flush();
    if (this.#open.length === 0 && !(isBegin && !END.test(line.text))) {
      this.#onRecord(line);
      return;
    }
    this.#open.push(line);
    if (END.test(line.text) || this.#open.length >= MAX_LINES) this.flush();
  }

  /** Nothing more belongs to what is open. */
  flush(): void {
    const [first, ...others] = this.#open;
    this.#open = [];
    if (first === undefined) return;
    this.#onRecord({ ...first, text: [first, ...others].map(({ text }) => text).join('\n') });
  }
}
