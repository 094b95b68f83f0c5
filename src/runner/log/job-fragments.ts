/** Known lines about jobs and their executor: docs/reference/runner-log.md, rows 68 to 81 and 94. */
import type { EventKind } from '../../core/runner-event.ts';
import type { Fragment } from './fragment.ts';
import { readRejection } from './line-data.ts';
import type { LogLevel } from './log-line.ts';

const BAD: readonly LogLevel[] = ['warning', 'error'];
const ENDED = /^(?:Appending trace|Submitting job) to coordinator\.\.\. ?(?:job failed|aborted)/;
const UNKNOWN = /^(?:Appending trace|Submitting job) to coordinator\.\.\. ?(?:not found|forbidden)/;
/** The start of the lines that report a job's end or its preparation; the rest is the executor's text. */
const FAILED = /^(?:Preparation failed|Job failed|Failed to process runner|Failed to process job)/;

function job(n: number, kind: EventKind, text: RegExp): Fragment {
  return { n, kind, levels: BAD, message: FAILED, text };
}

/** The script failed, or the image has no such program: what else its output holds does not matter. */
export const SCRIPT_FRAGMENTS: readonly Fragment[] = [
  job(71, 'job-ended', /^Job failed: exit (?:code|status) |failure_reason=script_failure/),
  job(71, 'job-ended', /OCI runtime \w+ failed.*exec: ".*": (?:executable file not found|stat )/),
];

export const JOB_FRAGMENTS: readonly Fragment[] = [
  job(70, 'job-failed', /runner_external_dependency_failure/),
  job(72, 'job-ended', /execution took longer than|timeout was exceeded/),
  job(73, 'job-ended', /canceled/),
  job(74, 'job-ended', /aborted: (?:terminated|interrupt|quit)|runner_interrupted/),
  job(69, 'job-failed', /system failure|runner_system_failure|^Preparation failed/),
  job(69, 'job-ended', /^/),
  { n: 68, kind: 'noted', levels: ['info', 'warning'], message: /^Will be retried in / },
  // An answer from GitLab carries its correlation id; without one a proxy in front of GitLab refused.
  {
    n: 76,
    kind: 'job-refused',
    levels: BAD,
    message: /^Appending trace to coordinator/,
    text: /correlation_id=[0-9a-f]{32}\b.*status=.*403 |status=.*413 /,
    cause: 'job-trace-blocked',
  },
  {
    n: 76,
    kind: 'job-refused',
    levels: BAD,
    message: ENDED,
    cause: 'job-rejected-by-server',
    read: readRejection,
  },
  {
    n: 77,
    kind: 'job-refused',
    levels: BAD,
    message: UNKNOWN,
    cause: 'job-rejected-by-server',
    read: readRejection,
  },
  {
    n: 75,
    kind: 'job-connection',
    levels: BAD,
    message: /^Appending trace to coordinator\.\.\. ?(?:error|failed)/,
  },
  {
    n: 78,
    kind: 'job-connection',
    levels: BAD,
    message: /^Submitting job to coordinator\.\.\. ?(?:failed|error)/,
  },
  {
    n: 78,
    kind: 'job-reported',
    levels: ['info'],
    message: /^(?:Appending trace|Submitting job) to coordinator\.\.\. ?ok/,
  },
  { n: 79, kind: 'job-lost', levels: BAD, message: /^Job trace termination "\w+" failed/ },
  { n: 80, kind: 'job-stuck', levels: BAD, message: /^Timed out waiting for the build to finish/ },
  {
    n: 81,
    kind: 'no-capacity',
    levels: ['debug', 'info', 'warning'],
    message: /^(?:no free machines that can process builds|failed to update executor)/i,
  },
  {
    n: 94,
    kind: 'poll-worked',
    levels: ['info'],
    message: /^(?:Added job to processing list|Checking for jobs\.\.\. ?received)/,
  },
  // At level debug an idle runner logs each poll; its own format does not mark that level.
  {
    n: 94,
    kind: 'poll-worked',
    levels: ['debug', 'info'],
    message: /^Checking for jobs\.\.\. ?no content/,
  },
  { n: 94, kind: 'noted', levels: ['info'], message: /^Removed job from processing list/ },
];
