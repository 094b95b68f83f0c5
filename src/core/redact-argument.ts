/** An argument of the command line as it may be printed: `...` when it contains a token. */
import { printable } from './printable.ts';

/** Prefixes of GitLab's tokens, and the one of old registration tokens. */
const TOKEN = /gl[a-z]{2,}-|GR1348941/;

export function redactArgument(word: string): string {
  return TOKEN.test(word) ? '…' : printable(word);
}
