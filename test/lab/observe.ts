/** Waits on the daemon's report: until it reads as wanted, and then for it to stay so. */
import { setTimeout as delay } from 'node:timers/promises';

import type { Report } from '../../src/report/document.ts';
import type { LabDaemon } from './daemon.ts';

const PAUSE_MILLISECONDS = 250;

export interface Seen {
  readonly report: Report;
  readonly seconds: number;
  /** Why it is not as wanted; absent when it is. */
  readonly lacks?: string;
}

/** `lack` says what is missing, or nothing. */
export type Lack = (report: Report) => string | undefined;

export async function untilGood(daemon: LabDaemon, lack: Lack, seconds: number): Promise<Seen> {
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

export async function whileGood(daemon: LabDaemon, lack: Lack, seconds: number): Promise<Seen> {
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
