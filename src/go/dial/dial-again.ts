/**
 * What the runner’s own dial does not show: whether a late answer is a bad link, and whether the addresses that
 * were not needed answer too. Rare and bounded, so that the load stays small.
 */
import type { Address } from '../../core/probe.ts';
import type { Attempt, DialResult, DialOptions } from './dial.ts';
import { dialLikeGo } from './dial.ts';
import type { Loss } from './loss.ts';
import { BEFORE_RETRANSMIT_SECONDS, measureLoss } from './loss.ts';

const OTHERS_SECONDS = 2;
const MAX_OTHERS = 8;
/** How long a loss makes suspicious, and the other addresses are not dialled again. */
const REMEMBER_SECONDS = 60;

/** What is kept between the runs, for one target. */
export interface DialMemory {
  lossAtSeconds?: number;
  others?: {
    readonly atSeconds: number;
    readonly key: string;
    readonly attempts: readonly Attempt[];
  };
}

export interface DialledTwice extends DialResult {
  /** Absent while nothing is suspected. */
  readonly loss: Loss | undefined;
}

/** The runner’s dial, with a measurement of loss beside it when its answer is suspiciously late. */
export async function dialTwice(
  addresses: readonly Address[],
  port: number,
  deps: DialOptions,
  kept: DialMemory,
): Promise<DialledTwice> {
  const dialling = dialLikeGo(addresses, port, deps);
  const [first] = addresses;
  const loss = first === undefined ? undefined : await lossOf(dialling, first, port, deps, kept);
  if (loss?.socket === undefined) return { ...(await dialling), loss };
  const done = await ifDone(dialling);
  if (done?.socket !== undefined) {
    loss.socket.destroy();
    return { ...done, loss };
  }
  // With a connection of the measurement in hand nobody waits for the one that got lost.
  void dialling.then((late) => late.socket?.destroy());
  return { socket: loss.socket, address: first, attempts: [], loss };
}

async function lossOf(
  dialling: Promise<DialResult>,
  first: Address,
  port: number,
  deps: DialOptions,
  kept: DialMemory,
): Promise<Loss | undefined> {
  const now = deps.clock.seconds();
  const wasLossy = kept.lossAtSeconds !== undefined && now - kept.lossAtSeconds < REMEMBER_SECONDS;
  const isLate = !(await settlesWithin(dialling, BEFORE_RETRANSMIT_SECONDS));
  if (!isLate && !wasLossy) return undefined;
  const loss = await measureLoss(first, port, deps);
  if (loss.isLossy) kept.lossAtSeconds = deps.clock.seconds();
  return loss;
}

async function settlesWithin(promise: Promise<unknown>, seconds: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), seconds * 1000);
  const isDone = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return isDone;
}

/** Its result when it has one by now. */
async function ifDone<T>(promise: Promise<T>): Promise<T | undefined> {
  const { promise: next, resolve } = Promise.withResolvers<undefined>();
  setImmediate(() => resolve(undefined));
  return await Promise.race([promise, next]);
}

/** The addresses that the runner would turn to only if the first ones failed; once a minute. */
export async function dialOthers(
  addresses: readonly Address[],
  attempts: readonly Attempt[],
  port: number,
  deps: DialOptions,
  kept: DialMemory,
): Promise<readonly Attempt[]> {
  const tried = new Set(attempts.map(({ address }) => address.address));
  const others = addresses.filter(({ address }) => !tried.has(address)).slice(0, MAX_OTHERS);
  const key = others.map(({ address }) => address).join(' ');
  const now = deps.clock.seconds();
  if (kept.others?.key === key && now - kept.others.atSeconds < REMEMBER_SECONDS) {
    return kept.others.attempts;
  }
  const dials = await Promise.all(
    others.map((one) => dialLikeGo([one], port, { ...deps, timeoutSeconds: OTHERS_SECONDS })),
  );
  for (const { socket } of dials) socket?.destroy();
  const found = dials.flatMap((dialled) => dialled.attempts);
  kept.others = { atSeconds: now, key, attempts: found };
  return found;
}
