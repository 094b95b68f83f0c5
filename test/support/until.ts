/** Asks again and again until it is so; an end to the patience is an error. */
import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MILLISECONDS = 50;
const MOST_TRIES = 500;

export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    if (await isSo()) return;
    await delay(PAUSE_MILLISECONDS);
  }
  throw new Error(`waited in vain for ${isSo.toString()}`);
}
