/** How long the runner waits before it sends a poll again: docs/reference/runner.md#retries. */
import type { FindingData } from '../../core/finding-data.ts';
import { dataKey, dataWith } from '../../core/finding-data.ts';
import { goDurationSeconds } from '../../core/go-duration.ts';
import type { HttpUrl } from '../../core/http-url.ts';
import type { LogLine } from './log-line.ts';

interface PollWait {
  /** Of the poll. */
  readonly url: HttpUrl;
  readonly seconds: number;
}

export const POLL_WAIT = dataKey<PollWait>('poll-wait');

/** The runner's own back-off stays below two seconds: a longer wait was asked for. */
const MIN_ASKED_SECONDS = 10;
const POLL_PATH = /\/api\/v4\/jobs\/request$/;
const NANOSECONDS = 1e9;

export function isLongPollWait(line: LogLine): boolean {
  return (pollWaitOf(line)?.seconds ?? 0) >= MIN_ASKED_SECONDS;
}

export function readWait(line: LogLine): FindingData {
  const wait = pollWaitOf(line);
  return wait === undefined ? {} : dataWith(POLL_WAIT, wait);
}

function pollWaitOf({ fields }: LogLine): PollWait | undefined {
  const { url: text = '', method, duration = '' } = fields;
  const url = URL.parse(text);
  const seconds = secondsOf(duration);
  if (url === null || seconds === undefined || method !== 'POST') return undefined;
  return POLL_PATH.test(url.pathname) ? { url, seconds } : undefined;
}

/** As a text of Go's; in JSON a count of nanoseconds. */
function secondsOf(duration: string): number | undefined {
  return /^\d+$/.test(duration) ? Number(duration) / NANOSECONDS : goDurationSeconds(duration);
}
