/**
 * How jobs end, by the runner's own last line about each (docs/reference/runner-log.md, rows 69 to 74); lines about
 * the preparation are not counted, since one job is prepared up to three times.
 */
import type { JobEnd } from '../../core/runner-event.ts';
import type { EventKind } from '../../core/runner-event.ts';
import type { LogLine } from './log-line.ts';

/** Newer runners tell by it who is at fault; an image and a setting need the words of the line as well. */
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
/** The time that the runner gives to what comes before the script; to GitLab it reports the job as too long. */
const LATE_BEFORE_THE_SCRIPT = /^Job failed: (?:prepare|get sources) timeout: /;
const PULL_FAILED = /^Job failed: failed to pull image/;
/** The job names an image that is not there, or that it may not have. */
const WRONG_IMAGE =
  /not found|manifest unknown|(?:access|resource) (?:denied|is denied)|does not exist|no basic auth|unauthorized|authentication required/i;
const CONFIGURATION_REASONS: readonly string[] = [
  'runner_configuration_error',
  'configuration_error',
];
/** The entry in config.toml lacks what its executor needs; other errors of this kind are of one job's settings. */
const INCOMPLETE_ENTRY =
  /missing (?:docker|SSH|VirtualBox|Parallels|BaseName|RunExec)|not configured|support shells that require|getting Kubernetes config|creating Kubernetes client|getting allowed pull policies/;

export function jobEndOf({ message, fields }: LogLine): JobEnd | undefined {
  if (message.startsWith('Job succeeded')) return 'succeeded';
  if (!message.startsWith('Job failed')) return undefined;
  const { failure_reason: reason = '', error = '' } = fields;
  const text = `${message} ${error}`;
  if (isOfTheSystem(message, text, reason)) return 'system-failed';
  if (PULL_FAILED.test(message) && BY_REASON[reason] === undefined) return 'otherwise';
  return BY_REASON[reason] ?? BY_WORDS.find(([words]) => words.test(text))?.[1] ?? 'otherwise';
}

/** Whatever GitLab is told: the job had no part in it. */
function isOfTheSystem(message: string, text: string, reason: string): boolean {
  const isOfScript = ['', 'script_failure'].includes(reason);
  if (isOfScript && BEFORE_THE_SCRIPT.test(message)) return true;
  if (CONFIGURATION_REASONS.includes(reason)) return INCOMPLETE_ENTRY.test(text);
  const isPull = reason === 'image_pull_failure' || (reason === '' && PULL_FAILED.test(message));
  return isPull ? !WRONG_IMAGE.test(text) : LATE_BEFORE_THE_SCRIPT.test(message);
}

/** Id of the cause that the words of such a line point at. */
export function causeOfEnd({ message }: LogLine): string | undefined {
  return SHELL_ENDED.test(message) ? 'job-environment-failed' : undefined;
}

/** Whether the host ran a job to its end, or failed it; undefined when the result shows neither. */
export function kindOfEnd(end: JobEnd): EventKind | undefined {
  if (end === 'system-failed') return 'jobs-failing';
  // What took too long may have been the preparation of the job.
  return end === 'succeeded' || end === 'script-failed' ? 'job-ran' : undefined;
}
