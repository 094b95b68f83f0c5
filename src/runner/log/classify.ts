/**
 * Classifies a line of the log. Only a line in the runner's own form with a known message is an event: text from a
 * job's output never is.
 */
import type { Fact } from '../../core/finding.ts';
import type { FindingData } from '../../core/finding-data.ts';
import type { EventKind } from '../../core/runner-event.ts';
import type { Fragment } from './fragment.ts';
import { JOB_FRAGMENTS, SCRIPT_FRAGMENTS } from './job-fragments.ts';
import { CONFIG_FRAGMENTS, LIFE_FRAGMENTS } from './life-fragments.ts';
import { readJobCount, readStatus } from './line-data.ts';
import { LOCAL_FAULT_FRAGMENTS } from './local-fault-fragments.ts';
import type { LogLine } from './log-line.ts';
import { statedReason } from './stated-reason.ts';
import { POLL_FRAGMENTS } from './poll-fragments.ts';

export const FRAGMENTS: readonly Fragment[] = [
  ...SCRIPT_FRAGMENTS,
  ...CONFIG_FRAGMENTS,
  ...LOCAL_FAULT_FRAGMENTS,
  ...POLL_FRAGMENTS,
  ...LIFE_FRAGMENTS,
  ...JOB_FRAGMENTS,
];

/** Every cause that a line can point at. */
export const LOG_CAUSES: readonly string[] = [
  ...new Set(FRAGMENTS.flatMap(({ cause }) => cause ?? [])),
].toSorted();

export interface LogEvent {
  readonly kind: EventKind;
  readonly cause?: string;
  readonly runner?: string;
  readonly facts: Readonly<Record<string, Fact>>;
  readonly data?: FindingData;
}

/** Fields worth keeping, by the name of the fact. */
const KEPT: Readonly<Record<string, string>> = {
  builds: 'builds',
  max_builds: 'max_builds',
  status: 'status',
  job: 'job',
  'job-status': 'job_status',
  code: 'code',
  version: 'version',
  duration: 'duration',
  unhealthy_requests: 'unhealthy_requests',
  correlation_id: 'correlation_id',
  failure_reason: 'failure_reason',
};

export function classify(line: LogLine): LogEvent | undefined {
  const rest = restOf(line);
  const found = FRAGMENTS.find(
    ({ levels, message, text, isSo }) =>
      levels.includes(line.level) &&
      message.test(line.message) &&
      (text === undefined || text.test(rest)) &&
      (isSo === undefined || isSo(line)),
  );
  if (found === undefined) return undefined;
  const { runner } = line.fields;
  const reason = statedReason(line, found.text);
  return {
    kind: found.kind,
    ...(found.cause === undefined ? {} : { cause: found.cause }),
    ...(runner === undefined ? {} : { runner }),
    facts: {
      fragment: found.n,
      ...namedOf(line.message),
      ...keptFieldsOf(line.fields),
      ...(reason === undefined ? {} : { reason }),
    },
    data: { ...readJobCount(line, rest), ...readStatus(line, rest), ...found.read?.(line, rest) },
  };
}

/** The message and the fields that explain it; the status ends it, since some fragments are an end. */
function restOf({ message, fields }: LogLine): string {
  const { error, status, failure_reason: reason, correlation_id: id } = fields;
  return [
    message,
    ...(reason === undefined ? [] : [`failure_reason=${reason}`]),
    ...(id === undefined ? [] : [`correlation_id=${id}`]),
    ...(error === undefined ? [] : [`error=${error}`]),
    ...(status === undefined ? [] : [`status=${status}`]),
  ].join(' ');
}

function keptFieldsOf(fields: LogLine['fields']): Readonly<Record<string, Fact>> {
  return Object.fromEntries(
    Object.entries(KEPT).flatMap(([field, fact]) => {
      const value = fields[field];
      return value === undefined ? [] : [[fact, value]];
    }),
  );
}

/** `Runner "https://gitlab.example.com/abc123def" is …`: address and short token in one text, and the duration. */
function namedOf(message: string): Readonly<Record<string, Fact>> {
  const { name, time } =
    /^Runner "(?<name>[^"]*)" is (?:unhealthy and will be disabled for (?<time>\S+))?/.exec(message)
      ?.groups ?? {};
  return {
    ...(name === undefined ? {} : { name }),
    ...(time === undefined ? {} : { disabled_for: time }),
  };
}
