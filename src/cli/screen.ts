/**
 * The terminal of the commands: how wide a text may be; for `check` a line that counts while the first round runs, and
 * with `--watch` the report drawn anew in its place. A pipe gets whole reports below each other, and no counting.
 */
import type { View } from '../core/view.ts';

const PIPE_COLUMNS = 80;
const MOST_COLUMNS = 100;
const LEAST_COLUMNS = 60;

const HOME_AND_CLEAR = '\u001B[H\u001B[2J';
const CLEAR_LINE = '\r\u001B[2K';

/** As wide as the terminal, within what can be read; a pipe gets what any terminal shows. */
export function terminalWidth(): number {
  const { isTTY, columns } = process.stdout;
  if (!isTTY) return PIPE_COLUMNS;
  return Math.max(LEAST_COLUMNS, Math.min(MOST_COLUMNS, columns));
}

/** The part of a stream that is used. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Shows how far the first round is; returns the function that takes the line away. */
export function progressLine(
  screen: Screen,
  view: () => View,
  onChange: (listener: () => void) => () => void,
): () => void {
  if (screen.isTTY !== true) return () => {};
  const draw = (): void => {
    const { checks } = view().snapshot;
    const done = checks.filter(({ last }) => last !== undefined).length;
    screen.write(`${CLEAR_LINE}${done} of ${checks.length} checks done ...`);
  };
  const stop = onChange(draw);
  screen.write('starting checks ...');
  return () => {
    stop();
    screen.write(CLEAR_LINE);
  };
}

/** A report in the place of the one before. */
export function drawFrame(screen: Screen, text: string, footer: string): void {
  if (screen.isTTY !== true) {
    screen.write(`${text}\n`);
    return;
  }
  const lines = text.split('\n');
  const most = Math.max(5, (screen.rows ?? 40) - 2);
  const cut = lines.length - most;
  // A longer one would scroll its own beginning away, which is what matters.
  const shown = cut > 0 ? [...lines.slice(0, most - 1), `... and ${cut + 1} more lines`] : lines;
  screen.write(`${HOME_AND_CLEAR}${shown.join('\n')}\n${footer}\n`);
}
