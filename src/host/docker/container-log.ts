/**
 * What a container wrote, as its engine keeps it, with any log driver that the engine can read. Without a terminal each
 * piece has a head of eight bytes: the stream, and its length; with one there is plain text.
 */
import { deadlineOf } from '../../core/abort.ts';
import type { Instant } from '../../core/clock.ts';
import type { DockerConnection } from './api.ts';
import { DockerApi } from './api.ts';

export interface ContainerLine {
  /** As the engine wrote the time: to the nanosecond, or to the second. */
  readonly stamp: string;
  readonly at: Instant;
  readonly text: string;
}

export type ContainerLog =
  | { readonly kind: 'lines'; readonly lines: readonly ContainerLine[] }
  /** The engine knows no such container. */
  | { readonly kind: 'gone' }
  /** Its log driver keeps nothing that can be read. */
  | { readonly kind: 'unreadable'; readonly why: string };

export interface ContainerLogRequest {
  readonly name: string;
  /** Lines of this second and later. */
  readonly sinceSeconds: number;
  /** At most so many of the last lines. */
  readonly lines: number;
  readonly signal: AbortSignal;
}

const ANSWER_SECONDS = 5;
const HEAD_BYTES = 8;
const MAX_BYTES = 4 * 1024 * 1024;

/** Rejects with the error of the connection. */
export async function readContainerLog(
  connection: DockerConnection,
  { name, sinceSeconds, lines, signal }: ContainerLogRequest,
): Promise<ContainerLog> {
  using deadline = deadlineOf(ANSWER_SECONDS, signal);
  const query = `stdout=1&stderr=1&timestamps=1&since=${sinceSeconds}&tail=${lines}`;
  const path = `/containers/${encodeURIComponent(name)}/logs?${query}`;
  const { status, bytes, body } = await new DockerApi(connection).get(
    path,
    deadline.signal,
    MAX_BYTES,
  );
  if (status === 200) return { kind: 'lines', lines: linesOf(bytes) };
  if (status === 404) return { kind: 'gone' };
  return { kind: 'unreadable', why: `${status}: ${body.trim().slice(0, 200)}` };
}

function linesOf(bytes: Buffer): readonly ContainerLine[] {
  const texts = isFramed(bytes) ? textsOf(bytes) : [bytes.toString('utf8')];
  return texts.flatMap((text) => text.split('\n')).flatMap((line) => parseStamped(line) ?? []);
}

/** A time begins with a digit, a head with the number of a stream. */
function isFramed(bytes: Buffer): boolean {
  return bytes.length >= HEAD_BYTES && bytes.readUInt32BE(0) % 0x1_00_00_00 === 0;
}

function textsOf(bytes: Buffer): readonly string[] {
  const texts: string[] = [];
  for (let from = 0; from + HEAD_BYTES <= bytes.length;) {
    const end = from + HEAD_BYTES + bytes.readUInt32BE(from + 4);
    texts.push(bytes.toString('utf8', from + HEAD_BYTES, end));
    from = end;
  }
  return texts;
}

function parseStamped(line: string): ContainerLine | undefined {
  const space = line.indexOf(' ');
  const stamp = line.slice(0, space);
  const at = space === -1 ? Number.NaN : Date.parse(stamp);
  if (Number.isNaN(at)) return undefined;
  return { stamp, at, text: line.slice(space + 1).replace(/\r$/, '') };
}
