/** Waits until the daemon's report is as wanted, and then checks that it stays so. */
import { setTimeout as delay } from 'node:timers/promises';

import type { Report } from '../src/report/document.ts';
import type { LabDaemon } from './daemon.ts';

/**
 * Two jobs that fail within 12 s are one event. More than that, as lines without a date have the time at which they are
 * read, which on a busy machine is a while later.
 */
export const APART_MILLISECONDS = 18_000;

const PAUSE_MILLISECONDS = 250;
const REST_MILLISECONDS = 180_000;
const REST_PAUSE_MILLISECONDS = 1000;

export interface ObservedEvent {
  readonly report: Report;
  readonly seconds: number;
  /** Why it is not as wanted; absent when it is. */
  readonly lacks?: string;
}

/** `lack` returns what is missing, or nothing. */
export type Shortfall = (report: Report) => string | undefined;

/** Until the report is as wanted; at most so long. */
export async function untilGood(
  daemon: LabDaemon,
  lack: Shortfall,
  seconds: number,
): Promise<ObservedEvent> {
  return await observe(daemon, lack, seconds, (lacks) => lacks === undefined);
}

/** While the report is as wanted; at most so long. */
export async function whileGood(
  daemon: LabDaemon,
  lack: Shortfall,
  seconds: number,
): Promise<ObservedEvent> {
  return await observe(daemon, lack, seconds, (lacks) => lacks !== undefined);
}

async function observe(
  daemon: LabDaemon,
  lack: Shortfall,
  maxSeconds: number,
  isEnd: (lacks: string | undefined) => boolean,
): Promise<ObservedEvent> {
  const start = performance.now();
  for (;;) {
    const report = await daemon.report();
    const lacks = lack(report);
    const seconds = (performance.now() - start) / 1000;
    if (isEnd(lacks) || seconds > maxSeconds) {
      return { report, seconds, ...(lacks === undefined ? {} : { lacks }) };
    }
    await delay(PAUSE_MILLISECONDS);
  }
}

/** The start of a process is known to a second, so that a line of its first moment may be of the one before. */
const LIVED_SECONDS = 3;

/** Returns once the runner's process has lived for long enough for its lines to count. */
export async function hasLived(daemon: LabDaemon): Promise<void> {
  const young = ({ checks }: Report): string | undefined => {
    const service = checks.find(({ probe }) => probe === 'service');
    const started = service?.measures['started_timestamp_seconds'];
    const isOld = started !== undefined && Date.now() / 1000 - started > LIVED_SECONDS;
    return isOld ? undefined : 'the process is young';
  };
  await untilGood(daemon, young, LIVED_SECONDS * 20);
}

/** Resident bytes once they are `most` or less, or after three minutes: the start, and the lab's many reports, pass. */
export async function sizeAtRest(daemon: LabDaemon, most: number): Promise<number> {
  const start = performance.now();
  for (;;) {
    const bytes = await daemon.residentBytes();
    if (bytes <= most || performance.now() - start > REST_MILLISECONDS) return bytes;
    await delay(REST_PAUSE_MILLISECONDS);
  }
}
