/** The runner's log lines, in its three formats: docs/reference/runner.md#log. */
import { randomBytes } from 'node:crypto';

export type LogFormat = 'runner' | 'text' | 'json';
export type Level = 'info' | 'warning' | 'error' | 'fatal';
export type Fields = Readonly<Record<string, string | number>>;

const COLOURS: Readonly<Record<Level, string>> = {
  info: '\u001B[0;m',
  warning: '\u001B[0;33m',
  error: '\u001B[31;1m',
  fatal: '\u001B[31;1m',
};
const RESET = '\u001B[0;m';
const MESSAGE_WIDTH = 50;

export function logLine(
  format: LogFormat,
  level: Level,
  message: string,
  fields: Fields,
  now: Date,
): string {
  if (format === 'json') {
    return JSON.stringify({ ...fields, level, msg: message, time: timeOf(now) });
  }
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${quoted(String(value))}`);
  if (format === 'text') {
    return [`time=${quoted(timeOf(now))} level=${level} msg=${quoted(message)}`, ...pairs].join(
      ' ',
    );
  }
  const prefix = level === 'info' ? '' : `${level.toUpperCase()}: `;
  const shown = Object.entries(fields).map(
    ([key, value]) => `${COLOURS[level]}${key}${RESET}=${value}`,
  );
  return `${COLOURS[level]}${`${prefix}${message}`.padEnd(MESSAGE_WIDTH)} ${RESET} ${shown.join(' ')}`;
}

/** The fallback of a runner whose answer carried no id of GitLab. */
export function ownCorrelationId(): string {
  return randomBytes(16).toString('hex');
}

function timeOf(now: Date): string {
  return now.toISOString().replace(/\.\d+/, '');
}

function quoted(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : JSON.stringify(text);
}
