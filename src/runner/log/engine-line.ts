/**
 * What engines put around a line that a container writes: the file of Docker's json-file driver, and that of podman's
 * k8s-file driver, which CRI engines write as well. A line that was too long for the engine comes in parts.
 */
import type { Instant } from '../../core/clock.ts';
import { MAX_LINE_CHARACTERS } from './reader.ts';

export interface EngineLine {
  readonly text: string;
  readonly at: Instant;
  /** What follows it in the same stream belongs to the same line. */
  readonly isPart: boolean;
  readonly stream: string;
}

/** `2026-11-30T12:00:00.123456789Z stderr F text`; podman writes the zone as +00:00. */
const CRI =
  /^(?<at>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) (?<stream>stdout|stderr) (?<tag>[FP])(?::\S*)? (?<text>.*)$/s;

/** Undefined for a line that no engine has wrapped. */
export function parseEngineLine(raw: string): EngineLine | undefined {
  const { at = '', stream = '', tag, text = '' } = CRI.exec(raw)?.groups ?? {};
  if (tag !== undefined) return lineOf(text, Date.parse(at), tag === 'P', stream);
  return raw.startsWith('{') && raw.includes('"log"') ? parseJson(raw) : undefined;
}

function parseJson(raw: string): EngineLine | undefined {
  try {
    const value = JSON.parse(raw) as Readonly<Record<string, unknown>>;
    const { log, time, stream } = value;
    if (typeof log !== 'string' || typeof time !== 'string' || typeof stream !== 'string') {
      return undefined;
    }
    return lineOf(log, Date.parse(time), !log.endsWith('\n'), stream);
  } catch {
    return undefined;
  }
}

/** A terminal ends its lines with a carriage return. */
function lineOf(
  text: string,
  at: Instant,
  isPart: boolean,
  stream: string,
): EngineLine | undefined {
  if (Number.isNaN(at)) return undefined;
  return { text: isPart ? text : text.replace(/\r?\n?$/, ''), at, isPart, stream };
}

/** Puts the parts of each stream together. */
export class EngineLineJoiner {
  readonly #parts = new Map<string, string>();

  /** The whole line, once its last part has come. */
  push({ text, at, isPart, stream }: EngineLine): Omit<EngineLine, 'isPart'> | undefined {
    const whole = `${this.#parts.get(stream) ?? ''}${text}`.slice(0, MAX_LINE_CHARACTERS);
    if (!isPart) {
      this.#parts.delete(stream);
      return { text: whole, at, stream };
    }
    this.#parts.set(stream, whole);
    return undefined;
  }
}
