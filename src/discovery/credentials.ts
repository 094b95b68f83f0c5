/** With which user and groups does the runner open files? Undefined while it does not run, or if /proc does not show it. */
import type { RunnerProcess } from '../core/reading.ts';
import type { Credentials } from '../core/target.ts';

export function credentialsOf(process: RunnerProcess | undefined): {
  readonly credentials?: Credentials;
} {
  if (process?.groups === undefined) return {};
  return { credentials: { uid: process.uid, groups: process.groups } };
}
