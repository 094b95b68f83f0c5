/** The runner's lines as its three formats write them (docs/reference/runner.md#log), and through syslog. */

export type Fields = Readonly<Record<string, string | number>>;

export interface LogEntry {
  readonly level: 'info' | 'warning' | 'error' | 'fatal' | 'debug';
  readonly message: string;
  readonly fields?: Fields;
}

const COLOURS = { info: '', debug: '', warning: '\u001B[0;33m', error: '\u001B[31;1m' } as const;
const RESET = '\u001B[0;m';

/** In colours, the message padded to fifty columns with its level. */
export function inColours({ level, message, fields = {} }: LogEntry): string {
  const prefix = level === 'info' || level === 'debug' ? '' : `${level.toUpperCase()}: `;
  const colour = COLOURS[level === 'fatal' ? 'error' : level];
  const pairs = sorted(fields).map(([key, value]) => ` ${colour}${key}${RESET}=${value}`);
  return `${colour}${`${prefix}${message}`.padEnd(50)}${RESET} ${pairs.join('')}`;
}

/** Without colours. */
export function plain(entry: LogEntry): string {
  // oxlint-disable-next-line no-control-regex -- colours are control characters
  return inColours(entry).replace(/\u001B\[[\d;]*m/g, '');
}

export function logfmt(
  { level, message, fields = {} }: LogEntry,
  at = '2026-11-24T08:59:00Z',
): string {
  const pairs = sorted(fields).map(([key, value]) => ` ${key}=${quoted(String(value))}`);
  return `time="${at}" level=${level} msg=${quoted(message)}${pairs.join('')}`;
}

export function json(
  { level, message, fields = {} }: LogEntry,
  at = '2026-11-24T08:59:00Z',
): string {
  return JSON.stringify({ ...fields, level, msg: message, time: at });
}

/** Syslog writes the escape character as `#033`. */
export function asSyslogEntry(entry: LogEntry): string {
  const text = inColours(entry).replaceAll('\u001B', '#033');
  return `Nov 24 08:59:00 ci-07 gitlab-runner[812]: ${text}`;
}

function sorted(fields: Fields): readonly (readonly [string, string | number])[] {
  return Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function quoted(text: string): string {
  return /^[\w./:@^+-]+$/.test(text) ? text : JSON.stringify(text);
}
