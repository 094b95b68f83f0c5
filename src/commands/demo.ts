/** `runnerwatch demo`: to come with src/demo. */
import type { Invocation } from './command-line.ts';

export async function demo(_invocation: Invocation): Promise<number> {
  return 3;
}
