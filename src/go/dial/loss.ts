/**
 * Measures packet loss: ten connection requests at once, each with a timeout below the kernel's first retransmission,
 * so a request without an answer was lost. One lost request is chance, ten are a blocked path; anything between is a
 * lossy link.
 */
import type { Socket } from 'node:net';

import type { Address } from '../../core/probe.ts';
import type { DialOptions } from './dial.ts';
import { dialLikeGo } from './dial.ts';

const ATTEMPTS = 10;
/** The first repetition of a connection request comes after one second (RFC 6298). */
export const BEFORE_RETRANSMIT_SECONDS = 0.9;
/** Less than a fifth is chance: docs/reference/causes.md#numbers. */
const MIN_LOSS_RATIO = 0.2;

export interface Loss {
  /** 0..1. */
  readonly ratio: number;
  readonly isLossy: boolean;
  /** One of those that came through. */
  readonly socket: Socket | undefined;
}

/** Never rejects; closes all connections but one. */
export async function measureLoss(
  address: Address,
  port: number,
  deps: Omit<DialOptions, 'timeoutSeconds'>,
): Promise<Loss> {
  const dials = await Promise.all(
    Array.from({ length: ATTEMPTS }, () =>
      dialLikeGo([address], port, { ...deps, timeoutSeconds: BEFORE_RETRANSMIT_SECONDS }),
    ),
  );
  const [socket, ...rest] = dials.flatMap((dialled) => dialled.socket ?? []);
  for (const other of rest) other.destroy();
  // A refusal is an answer: it was not lost.
  const lost = dials.filter(({ attempts }) => attempts[0]?.outcome === 'timeout').length;
  const ratio = lost / ATTEMPTS;
  return { ratio, isLossy: ratio >= MIN_LOSS_RATIO && lost < ATTEMPTS, socket };
}
