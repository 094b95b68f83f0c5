/** Which function runs which command. The exit code is what it returns. */
import { check } from './check.ts';
import type { Invocation } from './command-line.ts';
import type { CommandName } from './command-table.ts';
import { demo } from './demo.ts';
import { explain } from './explain.ts';
import { incident } from './incident.ts';
import { lint } from './lint.ts';
import { serve } from './serve.ts';

const COMMAND_FUNCTIONS: Readonly<
  Record<CommandName, (invocation: Invocation) => Promise<number>>
> = { serve, check, lint, explain, incident, demo };

export async function runCommand(invocation: Invocation): Promise<number> {
  return await COMMAND_FUNCTIONS[invocation.command](invocation);
}
