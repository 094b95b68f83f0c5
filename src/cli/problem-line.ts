/** A problem of a file as one line: where, what, and what to do. */
import type { Problem } from '../core/reading.ts';

export function problemLine({ file, line, column, message, fix }: Problem): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  return `${place}: ${message.replace(/\.$/, '')}; ${fix.charAt(0).toLowerCase()}${fix.slice(1)}`;
}
