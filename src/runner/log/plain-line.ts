/** A line of the runner as it may be shown: in one line, without colours and secrets, and not too long. */
import { withoutColours } from './log-line.ts';
import { maskSecrets } from './mask.ts';

export const MAX_TEXT = 500;

export function plainLine(text: string): string {
  return maskSecrets(joinLines(text)).slice(0, MAX_TEXT);
}

/** Without the blanks that pad the message. */
function joinLines(text: string): string {
  return withoutColours(text).replace(/\s+/g, ' ').trim();
}
