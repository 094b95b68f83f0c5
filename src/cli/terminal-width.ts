/** How wide a text may be: as wide as the terminal, within what can be read; a pipe gets what any terminal shows. */

const PIPE_COLUMNS = 80;
const MAX_COLUMNS = 100;
const MIN_COLUMNS = 60;

export function terminalWidth(): number {
  const { isTTY, columns } = process.stdout;
  if (!isTTY) return PIPE_COLUMNS;
  return Math.max(MIN_COLUMNS, Math.min(MAX_COLUMNS, columns));
}
