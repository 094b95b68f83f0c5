/**
 * Texts of unknown origin (names in config.toml, answers of servers) as they may stand in a line: nothing in
 * them ends the line, moves the cursor of a terminal or turns the direction of what follows.
 */

/** Control characters, line and paragraph separators, and marks that turn the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, '\uFFFD');
}
