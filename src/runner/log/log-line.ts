/**
 * Parses a line of the runner's log, in any of its three formats and through syslog: docs/reference/runner.md#log.
 *
 * Formats  `runner`: LEVEL: message, padded, then key=value with sorted keys and bare values, in colours. `text`:
 * logfmt. `json`: one object.
 */
import type { Instant } from '../../core/clock.ts';

export type LogLevel = 'debug' | 'info' | 'warning' | 'error' | 'fatal' | 'panic';

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Where the line itself contains it. */
  readonly at?: Instant;
}

/** Syslog writes the escape character as `#033`. */
const COLOURS = /(?:\p{Cc}|#033)\[[\d;]*m/gu;

export function withoutColours(text: string): string {
  return text.replace(COLOURS, '');
}

/** A form that other programs do not write: a field of the runner, a level before the message, or a structured record. */
export function isInRunnerForm(raw: string, { level, fields }: LogLine): boolean {
  const isStructured = /^(?:\{|time=|level=)/.test(withoutColours(raw).trim());
  return isStructured || level !== 'info' || Object.keys(fields).length > 0;
}

export function parseLine(raw: string): LogLine | undefined {
  const text = withoutColours(raw).trim();
  if (text === '') return undefined;
  if (text.startsWith('{')) return parseJson(text);
  if (/^(?:time|level)=/.test(text)) return parseLogfmt(text);
  return parseRunner(text);
}

/** `Nov 24 09:00:00 host gitlab-runner[812]: …` and its ISO form: the time, and what was logged. */
export function parseSyslog(
  raw: string,
  now: Instant,
): { readonly at: Instant; readonly text: string } | undefined {
  const found = SYSLOG.exec(raw)?.groups;
  if (found === undefined) return undefined;
  const { stamp = '', text = '' } = found;
  const at = /^\d/.test(stamp) ? Date.parse(stamp) : withCurrentYear(stamp, now);
  return Number.isNaN(at) ? undefined : { at, text };
}

const SYSLOG =
  /^(?<stamp>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)) \S+ [\w./-]+(?:\[\d+\])?: (?<text>.*)$/s;

/** The old form has no year; a date that is still to come is of last year. */
function withCurrentYear(stamp: string, now: Instant): Instant {
  const year = new Date(now).getFullYear();
  const at = Date.parse(`${stamp} ${year}`);
  return at > now + 86_400_000 ? Date.parse(`${stamp} ${year - 1}`) : at;
}

const LEVELS: Readonly<Record<string, LogLevel>> = {
  debug: 'debug',
  trace: 'debug',
  info: 'info',
  warn: 'warning',
  warning: 'warning',
  error: 'error',
  fatal: 'fatal',
  panic: 'panic',
};

function parseJson(text: string): LogLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const entries = Object.entries(value as object).map(([key, one]): [string, string] => [
    key,
    typeof one === 'string' ? one : JSON.stringify(one),
  ]);
  return lineOf(new Map(entries));
}

const PAIR = /(?<key>[\w.-]+)=(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<bare>\S*))/g;

function parseLogfmt(text: string): LogLine | undefined {
  return lineOf(
    new Map(
      [...text.matchAll(PAIR)].map(({ groups }): [string, string] => {
        const { key = '', quoted, bare = '' } = groups ?? {};
        return [key, quoted === undefined ? bare : unquote(quoted)];
      }),
    ),
  );
}

function unquote(text: string): string {
  return text.replace(/\\(?<letter>.)/g, (_all, letter: string) =>
    letter === 'n' ? '\n' : letter,
  );
}

function lineOf(values: ReadonlyMap<string, string>): LogLine | undefined {
  const level = LEVELS[values.get('level') ?? ''];
  const message = values.get('msg');
  if (level === undefined || message === undefined) return undefined;
  const at = Date.parse(values.get('time') ?? '');
  const fields = [...values].filter(([key]) => !['level', 'msg', 'time'].includes(key));
  return {
    level,
    message: message.trim(),
    fields: Object.fromEntries(fields),
    ...(Number.isNaN(at) ? {} : { at }),
  };
}

/** Keys that the runner gives its lines. Values are bare, so anything else before a `=` is part of a value. */
const KEYS: readonly string[] =
  `arch builds bytesize checksum code context correlation_id current-limit duration duration_s error executor
  exit_code failure_reason file gitlab_user_id hash job job-log job-status limit max_builds method name
  namespace_id organization_id os pid pipeline_id project project_full_path queue_size reason repo_url
  request_concurrency retries revision root_namespace_id runner runner_name sent-log status
  time_in_queue_seconds unhealthy_requests unhealthy_requests_limit update-interval url version worker`.split(
    /\s+/,
  );

const KEY = /(?<=\s)(?<key>[a-z][\w-]*)=/g;

const PREFIX = /^(?<prefix>WARNING|ERROR|FATAL|PANIC|DEBUG): (?<rest>.*)$/s;

function parseRunner(text: string): LogLine {
  const { prefix = 'info', rest = text } = PREFIX.exec(text)?.groups ?? {};
  const keys = keysIn(rest);
  const fields = keys.map(({ key, to }, index): [string, string] => [
    key,
    rest.slice(to, keys[index + 1]?.from).trim(),
  ]);
  return {
    level: LEVELS[prefix.toLowerCase()] ?? 'info',
    message: rest.slice(0, keys[0]?.from).trim(),
    fields: Object.fromEntries(fields),
  };
}

interface KeyPlace {
  readonly key: string;
  readonly from: number;
  /** Where its value begins. */
  readonly to: number;
}

/** The keys are sorted: one that is out of order belongs to a value. */
function keysIn(text: string): readonly KeyPlace[] {
  return [...text.matchAll(KEY)]
    .map(({ 0: whole, index, groups }) => ({
      key: groups?.['key'] ?? '',
      from: index,
      to: index + whole.length,
    }))
    .filter(({ key }) => KEYS.includes(key))
    .reduce<readonly KeyPlace[]>(
      (kept, found) => (found.key < (kept.at(-1)?.key ?? '') ? kept : [...kept, found]),
      [],
    );
}
