/**
 * One entry of `journalctl -o json`: a line that was written, or an event that systemd itself reports about the unit
 * (docs/reference/runner.md#log). A message with colours is an array of byte values; a long one is null without
 * `--all`.
 */
import type { Instant } from '../../core/clock.ts';
import type { LogEvent } from './classify.ts';

export interface JournalEntry {
  readonly cursor: string;
  readonly at: Instant;
  readonly text: string;
  /** Reported by systemd, not by the runner. */
  readonly event?: LogEvent;
}

/** Undefined for a line that is no entry. */
export function parseJournalEntry(line: string): JournalEntry | undefined {
  const value = objectOf(line);
  const microseconds = Number(value['__REALTIME_TIMESTAMP']);
  if (!Number.isFinite(microseconds)) return undefined;
  const event = systemdEvent(value);
  return {
    cursor: textOf(value['__CURSOR']),
    at: Math.floor(microseconds / 1000),
    text: textOf(value['MESSAGE']),
    ...(event === undefined ? {} : { event }),
  };
}

function objectOf(line: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(line) as Readonly<Record<string, unknown>> | null) ?? {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  if (value.every((item) => typeof item === 'number')) return Buffer.from(value).toString('utf8');
  // A field that was given more than once.
  return textOf(value[0]);
}

/** Source: sd-messages.h, version 252. */
const EXITED = '98e322203f7a4ed290d09fe03c09fe15';
const UNIT_FAILED = 'd9b373ed55a64feb8242e02dbe79a49c';
const RESTART_SCHEDULED = '5eb03494b6584870a536b337290809b3';
const OUT_OF_MEMORY: readonly string[] = [
  'fe6faa94e7774663a0da52717891d8ef',
  'd989611b15e44c9dbf31e3c81256e4ed',
];

function systemdEvent(entry: Readonly<Record<string, unknown>>): LogEvent | undefined {
  // Only process 1 writes for systemd; such an id from another process is ignored.
  if (textOf(entry['_PID']) !== '1') return undefined;
  const id = textOf(entry['MESSAGE_ID']);
  if (OUT_OF_MEMORY.includes(id)) return oom();
  if (id === UNIT_FAILED) {
    const result = textOf(entry['UNIT_RESULT']);
    return result === 'oom-kill' ? oom() : { kind: 'exited', facts: { result } };
  }
  if (id === EXITED) {
    const [code, status] = [textOf(entry['EXIT_CODE']), textOf(entry['EXIT_STATUS'])];
    return { kind: 'noted', facts: { code, status } };
  }
  if (id !== RESTART_SCHEDULED) return undefined;
  return { kind: 'restarting', facts: { restarts: Number(textOf(entry['N_RESTARTS'])) } };
}

function oom(): LogEvent {
  return { kind: 'oom', cause: 'memory-oom-killed', facts: {} };
}
