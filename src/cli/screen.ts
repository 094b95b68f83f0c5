/**
 * The terminal of the commands: the width of texts; for `check` a progress line while the first round runs, and with
 * `--watch` the report redrawn in place. A pipe gets complete reports, one after the other, and no progress line.
 */
import type { View } from '../core/view.ts';

const PIPE_COLUMNS = 80;
const MAX_COLUMNS = 100;
const MIN_COLUMNS = 60;

const HOME_AND_CLEAR = '\u001B[H\u001B[2J';
const CLEAR_LINE = '\r\u001B[2K';

/** As wide as the terminal, within what can be read; a pipe gets what any terminal shows. */
export function terminalWidth(): number {
  const { isTTY, columns } = process.stdout;
  if (!isTTY) return PIPE_COLUMNS;
  return Math.max(MIN_COLUMNS, Math.min(MAX_COLUMNS, columns));
}

/** The part of a stream that is used. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Shows the progress of the first round; returns the function that removes the line. */
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
