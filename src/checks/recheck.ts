/**
 * Some links can only be judged by what comes after them: a name that resolves to the wrong address looks
 * right until the address is dialled, or shows who it is. Such a link offers a second look; its result is held
 * back until then, so that nobody ever sees the first finding, and then another one, in the same walk.
 */
import { deadlineOf, withSignal } from '../core/abort.ts';
import type { Finding, ProbeResult } from '../core/finding.ts';
import type { SecondLook, Walk } from '../core/probe.ts';

const SECOND_LOOK_SECONDS = 4;

export interface Held {
  /** Emits a result, or keeps it for a while when its link has offered a second look. */
  take(result: ProbeResult): Promise<void>;
  /** The walk is over: emits what is still held. */
  release(): void;
}

export function deferResults(
  walk: Walk,
  signal: AbortSignal,
  emit: (result: ProbeResult) => void,
): Held {
  let held: readonly ProbeResult[] = [];
  const release = (): void => {
    for (const result of held) emit(result);
    held = [];
  };
  return {
    release,
    take: async (result) => {
      const { secondLook } = walk;
      const [first, ...others] = held;
      held = [...held, result];
      // The one that offers it, and the links that may put that one in doubt, in their order.
      const isInDoubt = first === undefined || secondLook?.links.includes(linkOf(result)) === true;
      if (secondLook !== undefined && isInDoubt) {
        if (result.finding.status !== 'fail' && linkOf(result) !== secondLook.links.at(-1)) return;
        if (first !== undefined && result.finding.status === 'fail') {
          const finding = await lookAgain(secondLook, result, first.finding, signal);
          held = [{ ...first, finding }, ...others, result];
        }
      }
      delete walk.secondLook;
      release();
    },
  };
}

function linkOf({ check }: ProbeResult): string {
  return check.slice(0, check.indexOf('@'));
}

/** A second look that does not end in time, or fails, leaves the first one as it was. */
async function lookAgain(
  secondLook: SecondLook,
  failed: ProbeResult,
  first: Finding,
  signal: AbortSignal,
): Promise<Finding> {
  using deadline = deadlineOf(SECOND_LOOK_SECONDS, signal);
  try {
    return await withSignal(secondLook.look(failed, deadline.signal), deadline.signal);
  } catch {
    return first;
  }
}
