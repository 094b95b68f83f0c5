/**
 * How jobs end, by the runner's own last line about each (docs/reference/runner-log.md, rows 69 to 74); lines about
 * the preparation are not counted, since one job is prepared up to three times.
 */
import type { JobEnd } from '../../core/runner-event.ts';
import type { EventKind } from '../../core/runner-event.ts';
import type { LogLine } from './log-line.ts';

const BY_REASON: Readonly<Record<string, JobEnd>> = {
  script_failure: 'script-failed',
  runner_system_failure: 'system-failed',
  job_execution_timeout: 'timed-out',
  job_canceled: 'cancelled',
  runner_external_dependency_failure: 'system-failed',
};

/** For lines without a reason, as older runners write them; the first that fits. */
const BY_WORDS: readonly (readonly [RegExp, JobEnd])[] = [
  [/^Job failed \(system failure\)/, 'system-failed'],
  [/exit (?:code|status) \d/, 'script-failed'],
  [/execution took longer than|timeout was exceeded/, 'timed-out'],
  [/cancell?ed/, 'cancelled'],
];

/** Before the script of the job begins: the runner calls it a failure of the script, but there was none yet. */
const BEFORE_THE_SCRIPT = /^Job failed(?: \(system failure\))?: prepare environment: /;
/** The shell itself ended, by a file of its user that it reads: .profile, .bash_profile, .bash_logout. */
const SHELL_ENDED = /: prepare environment: exit (?:code|status) \d/;

export function jobEndOf({ message, fields }: LogLine): JobEnd | undefined {
  if (message.startsWith('Job succeeded')) return 'succeeded';
  if (!message.startsWith('Job failed')) return undefined;
  const { failure_reason: reason = '', error = '' } = fields;
  const isOfScript = ['', 'script_failure'].includes(reason);
  if (isOfScript && BEFORE_THE_SCRIPT.test(message)) return 'system-failed';
  const said = `${message} ${error}`;
  return BY_REASON[reason] ?? BY_WORDS.find(([words]) => words.test(said))?.[1] ?? 'otherwise';
}

/** Id of the cause that the words of such a line point at. */
export function causeOfEnd({ message }: LogLine): string | undefined {
  return SHELL_ENDED.test(message) ? 'job-environment-failed' : undefined;
}

/** Whether the host ran a job to its end, or failed it; undefined when the result shows neither. */
export function kindOfEnd(end: JobEnd): EventKind | undefined {
  if (end === 'system-failed') return 'jobs-failing';
  // A script that failed, and one that took too long, were run.
  return end === 'succeeded' || end === 'script-failed' || end === 'timed-out'
    ? 'job-ran'
    : undefined;
}
