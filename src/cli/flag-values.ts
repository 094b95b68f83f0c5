/** Values of flags with their types, out of what the command line gave. */
import type { Invocation } from './command-line.ts';

/** The text of a flag, or `undefined` when it was not given and has no default. */
export function textFlag({ flags }: Invocation, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

/** The texts of a repeatable flag. */
export function listFlag({ flags }: Invocation, name: string): readonly string[] {
  const value = flags[name];
  return Array.isArray(value) ? value : [];
}

/** Whether a switch was given. */
export function switchFlag({ flags }: Invocation, name: string): boolean {
  return flags[name] === true;
}

/** Whether a flag was typed, rather than having its default. */
export function isGiven({ given }: Invocation, name: string): boolean {
  return given.has(name);
}
