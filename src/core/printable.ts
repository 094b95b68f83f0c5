/**
 * Makes text of unknown origin (names in config.toml, answers of servers) safe to print in a line: no control
 * character ends the line, moves the cursor of a terminal or changes the direction of writing.
 */

/** Control characters, line and paragraph separators, and marks that turn the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, '\uFFFD');
}
