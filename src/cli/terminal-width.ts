/** How wide a text may be: as wide as the terminal, within what can be read; a pipe gets what any terminal shows. */

const PIPE_COLUMNS = 80;
const MOST_COLUMNS = 100;
const LEAST_COLUMNS = 60;

export function terminalWidth(): number {
  const { isTTY, columns } = process.stdout;
  if (!isTTY) return PIPE_COLUMNS;
  return Math.max(LEAST_COLUMNS, Math.min(MOST_COLUMNS, columns));
}
