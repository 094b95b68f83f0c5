/** Waits until the daemon's report is as wanted, and then checks that it stays so. */
import { setTimeout as delay } from 'node:timers/promises';

import type { Report } from '../src/report/document.ts';
import type { LabDaemon } from './daemon.ts';

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

export async function untilGood(
  daemon: LabDaemon,
  lack: Shortfall,
  seconds: number,
): Promise<ObservedEvent> {
  const start = performance.now();
  for (;;) {
    const report = await daemon.report();
    const lacks = lack(report);
    const took = (performance.now() - start) / 1000;
    if (lacks === undefined) return { report, seconds: took };
    if (took > seconds) return { report, seconds: took, lacks };
    await delay(PAUSE_MILLISECONDS);
  }
}

export async function whileGood(
  daemon: LabDaemon,
  lack: Shortfall,
  seconds: number,
): Promise<ObservedEvent> {
  const start = performance.now();
  for (;;) {
    const report = await daemon.report();
    const lacks = lack(report);
    const took = (performance.now() - start) / 1000;
    if (lacks !== undefined) return { report, seconds: took, lacks };
    if (took > seconds) return { report, seconds: took };
    await delay(PAUSE_MILLISECONDS);
  }
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
