/**
 * A value that must not be shown: tokens, proxy passwords, keys.
 *
 * It prints `[hidden]` as a string, as JSON and in `util.inspect`, so that a forgotten log line, an error message or a
 * report cannot leak it. The text leaves only through `reveal()`, which is called where bytes are sent and nowhere
 * else.
 */
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';

const HIDDEN = '[hidden]';

export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The plain text. Never log, store or render what this returns. */
  reveal(): string {
    return this.#text;
  }

  /** True when there is nothing in it but white space. */
  isBlank(): boolean {
    return this.#text.trim() === '';
  }

  /** A stable key that distinguishes two secrets without holding either: 16 hexadecimal digits. */
  fingerprint(): string {
    return createHash('sha256').update(this.#text).digest('hex').slice(0, 16);
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [Symbol.toPrimitive](): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}
