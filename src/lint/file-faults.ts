/** Why the runner cannot read a file that a key names. */
import type { LintContext } from './context.ts';
import { asRunnerSees, isAllowed } from './context.ts';
import type { Got } from './reading.ts';

/** A file that a key names and that the runner must read. */
export function unreadable(
  found: Got<string> | undefined,
  context: LintContext,
): string | undefined {
  const path = found === undefined ? undefined : asRunnerSees(found.value, context);
  const fact = path === undefined ? undefined : context.files?.look(path);
  if (fact === undefined || fact.kind === 'unknown') return undefined;
  if (fact.kind === 'missing') return 'does not exist';
  const { process } = context;
  return process !== undefined && isAllowed(fact, process, 4) === false
    ? `cannot be read by uid ${process.uid}`
    : undefined;
}
