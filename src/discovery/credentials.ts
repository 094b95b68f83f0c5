/** As whom does the runner open files? Nobody while it does not run, or where /proc does not tell. */
import type { RunnerProcess } from '../core/reading.ts';
import type { Credentials } from '../core/target.ts';

export function credentialsOf(process: RunnerProcess | undefined): {
  readonly credentials?: Credentials;
} {
  if (process?.groups === undefined) return {};
  return { credentials: { uid: process.uid, groups: process.groups } };
}
