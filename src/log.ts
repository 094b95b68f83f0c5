/**
 * The log of the daemon: constant messages with data beside them, one line per transition, to stderr.
 * The only user of pino. `logfmt` is for people and Loki, `json` for machines.
 */
import { levels, pino, symbols } from 'pino';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export const LOG_FORMATS = ['logfmt', 'json'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];

export type LogData = Readonly<Record<string, unknown>>;

export interface Log {
  /** Lines below it are not written; it may be changed while the program runs. */
  level: string;
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
  return pino(
    {
      level,
      base: null,
      messageKey: 'msg',
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    format === 'json' ? { write: (line: string) => void sink.write(line) } : new LogfmtStream(sink),
  );
}

/**
 * A line as `key=value`, built from the values that pino gives to a stream: level, time, message and data, set before
 * each write.
 */
class LogfmtStream {
  readonly [symbols.needsMetadataGsym] = true;
  lastLevel = 0;
  /** In JSON, with its quotes. */
  lastTime = '""';
  lastMsg = '';
  lastObj: LogData = {};
  readonly #sink: LineSink;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  write(): void {
    const ts = this.lastTime.slice(1, -1);
    const level = levels.labels[this.lastLevel];
    const pairs = Object.entries({ ts, level, msg: this.lastMsg, ...this.lastObj })
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}=${logfmtValue(value)}`);
    this.#sink.write(`${pairs.join(' ')}\n`);
  }
}

/** Blanks, quotes and control characters are quoted; what has a JSON form of its own, such as a secret, uses it. */
function logfmtValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s"=\\\p{Cc}]+$/u.test(text) ? text : JSON.stringify(text);
}
