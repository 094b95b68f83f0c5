/**
 * Maps each command to its function, which returns the exit code. A command's modules are loaded only when it runs:
 * `explain` and `lint` need nothing of the daemon, and start in a third of the time without it.
 */
import type { Invocation } from './command-line.ts';
import type { CommandName } from './command-table.ts';

type Command = (invocation: Invocation) => Promise<number>;

const COMMANDS: Readonly<Record<CommandName, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serve,
  check: async () => (await import('./check.ts')).check,
  lint: async () => (await import('./lint.ts')).lint,
  explain: async () => (await import('./explain.ts')).explain,
  incident: async () => (await import('./incident.ts')).incident,
  demo: async () => (await import('./demo.ts')).demo,
};

export async function runCommand(invocation: Invocation): Promise<number> {
  const command = await COMMANDS[invocation.command]();
  return await command(invocation);
}
