/** What `--help` prints. */
import type { CommandName, FlagSpec } from './command-table.ts';
import { COMMANDS, GENERAL } from './command-table.ts';

/** The help of one command, or of the program. */
export function helpText(command?: CommandName): string {
  const shown = command ?? 'serve';
  const usage =
    command === undefined
      ? Object.values(COMMANDS).map(({ usage, help }) => `  ${usage}\n      ${help}`)
      : [`  ${COMMANDS[command].usage}\n      ${COMMANDS[command].help}`];
  const flags = Object.entries({ ...COMMANDS[shown].flags, ...GENERAL }).map(
    ([name, flag]: [string, FlagSpec]) => {
      const head = flag.value === undefined ? `--${name}` : `--${name} ${flag.value}`;
      const tail = flag.default === undefined ? '' : ` (default ${flag.default})`;
      return `  ${head.padEnd(32)} ${flag.help}${tail}`;
    },
  );
  return `Why has this GitLab Runner lost GitLab, or why is it about to, and what do I type to fix it?\n\n${usage.join('\n')}\n\nFlags:\n${flags.join('\n')}\n`;
}
