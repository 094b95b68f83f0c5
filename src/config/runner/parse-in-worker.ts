/**
 * Parses a config.toml without blocking the event loop: a small file at once, a large one in a worker thread, since
 * the parser takes almost a millisecond for each kilobyte.
 */
import { isRecord } from '../../core/json.ts';
import { fileBeside } from '../../core/program-file.ts';
import { Secret } from '../../core/secret.ts';
import { runThread } from '../../host/child-process.ts';
import type { TomlVersion } from './dialect.ts';
import type { RunnerTextReading } from './runner-config.ts';
import { readRunnerText } from './runner-config.ts';
import { slowFileProblem } from './file-problems.ts';

/** What is parsed within 50 ms, also on a slow host. */
const MAX_BYTES_AT_ONCE = 24 * 1024;
/** Of processor time. */
const SECONDS = 10;

const THREAD = fileBeside(import.meta.url, 'parse-worker');

export interface ParseRequest {
  readonly bytes: Uint8Array;
  readonly file: string;
  readonly toml: TomlVersion;
}

export async function parseInWorker(
  bytes: Uint8Array,
  file: string,
  toml: TomlVersion = '1.1',
): Promise<RunnerTextReading> {
  if (bytes.byteLength <= MAX_BYTES_AT_ONCE) return readRunnerText(bytes, file, toml);
  try {
    const plain = await runThread(THREAD, { bytes, file, toml } satisfies ParseRequest, SECONDS);
    return reviveSecrets(plain) as RunnerTextReading;
  } catch {
    return { problems: [slowFileProblem(file, SECONDS)] };
  }
}

/** A secret as a plain object, only for the transfer between two threads of this process. */
interface PlainSecret {
  readonly revealed: string;
}

/** Secrets cannot be sent as they are. */
export function serializeSecrets(value: unknown): unknown {
  if (value instanceof Secret) return { revealed: value.reveal() } satisfies PlainSecret;
  if (Array.isArray(value)) return value.map((item) => serializeSecrets(item));
  return isRecord(value) ? mapValues(value, serializeSecrets) : value;
}

function reviveSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => reviveSecrets(item));
  if (!isRecord(value)) return value;
  const { revealed } = value;
  return typeof revealed === 'string' ? new Secret(revealed) : mapValues(value, reviveSecrets);
}

function mapValues(
  value: Readonly<Record<string, unknown>>,
  by: (item: unknown) => unknown,
): unknown {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, by(item)]));
}
