/**
 * The log of the daemon: constant messages with data beside them, one line per transition, to stderr.
 * The only user of pino. `logfmt` is for people and Loki, `json` for machines.
 */
import { pino } from 'pino';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export const LOG_FORMATS = ['logfmt', 'json'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];

export type LogData = Readonly<Record<string, unknown>>;

export interface Log {
  debug(data: LogData, message: string): void;
  info(data: LogData, message: string): void;
  warn(data: LogData, message: string): void;
  error(data: LogData, message: string): void;
}

/** Where finished lines go; `process.stderr` fits. */
export interface LineSink {
  write(line: string): unknown;
}

export function createLog(options: {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly sink: LineSink;
}): Log {
  const { level, format, sink } = options;
  const stream = format === 'json' ? sink : { write: (line: string) => sink.write(logfmtOf(line)) };
  return pino(
    {
      level,
      base: null,
      messageKey: 'msg',
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => void stream.write(line) },
  );
}

/** A JSON line as `key=value`; values with blanks, quotes or control characters are quoted. */
export function logfmtOf(line: string): string {
  const { ts, level, msg, ...data } = JSON.parse(line) as Record<string, unknown>;
  const pairs = Object.entries({ ts, level, msg, ...data }).map(
    ([key, value]) => `${key}=${logfmtValue(value)}`,
  );
  return `${pairs.join(' ')}\n`;
}

function logfmtValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s"=\\\p{Cc}]+$/u.test(text) ? text : JSON.stringify(text);
}
