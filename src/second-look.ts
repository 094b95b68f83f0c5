/**
 * Some links can only be judged by what comes after them: a name that resolves to the wrong address looks
 * right until the address is dialled. Such a link offers a second look; its result is held back for one link,
 * so that nobody ever sees the first finding, and then another one, in the same walk.
 */
import { deadlineOf, withSignal } from './core/abort.ts';
import type { Finding, ProbeResult } from './core/finding.ts';
import type { Walk } from './core/probe.ts';

const SECOND_LOOK_SECONDS = 4;

export interface Held {
  /** Emits a result, or keeps it until the next one when its link has offered a second look. */
  take(result: ProbeResult): Promise<void>;
  /** The walk is over: emits what is still held. */
  release(): void;
}

export function holdBack(
  walk: Walk,
  signal: AbortSignal,
  emit: (result: ProbeResult) => void,
): Held {
  let held: ProbeResult | undefined;
  const release = (): void => {
    if (held !== undefined) emit(held);
    held = undefined;
  };
  return {
    release,
    take: async (result) => {
      const look = walk.secondLook;
      if (held !== undefined && look !== undefined && result.finding.status === 'fail') {
        held = { ...held, finding: await lookAgain(look, held.finding, signal) };
      }
      if (held !== undefined) delete walk.secondLook;
      release();
      if (walk.secondLook === undefined) emit(result);
      else held = result;
    },
  };
}

/** A second look that does not end in time, or fails, leaves the first one as it was. */
async function lookAgain(
  look: NonNullable<Walk['secondLook']>,
  first: Finding,
  signal: AbortSignal,
): Promise<Finding> {
  using deadline = deadlineOf(SECOND_LOOK_SECONDS, signal);
  try {
    return await withSignal(look(deadline.signal), deadline.signal);
  } catch {
    return first;
  }
}
