/**
 * What every job of an entry needs, whatever it does: a folder that takes something, and the runner's own image
 * (docs/decisions/0012-what-stops-every-job.md). A cause that is the same for others need not stop this entry.
 */
import type { CheckState } from '../core/check.ts';
import type { Cause } from '../core/diagnosis.ts';
import { dataOf } from '../core/finding-data.ts';
import type { RunnerTarget } from '../core/target.ts';
import { LOCAL_FAULT } from '../runner/log/local-fault-fragments.ts';
import { eventsOfRunner } from './runner-events.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import { hasReason, isFail } from './snapshot-index.ts';

/** A job that writes nothing but the runner's own files takes more. */
const LEAST_BYTES = 1024 ** 2;
const LEAST_INODES = 10;

/** Its jobs begin in a folder where nothing can be written, and none has run since. */
export function lacksFolder(runner: RunnerTarget, indexed: SnapshotIndex): boolean {
  return indexed
    .statesOf('disk')
    .some(
      (state) =>
        isNeededBy(runner, state) && takesNothing(state) && !hasRunSince(state, runner, indexed),
    );
}

function isNeededBy({ id }: RunnerTarget, { check: { target } }: CheckState): boolean {
  return target.kind === 'mount' && target.jobFolders?.some(({ runner }) => runner === id) === true;
}

function takesNothing(state: CheckState): boolean {
  if (!isFail(state)) return false;
  if (hasReason(state, 'read-only', 'hung', 'dead')) return true;
  const { free_bytes: bytes = LEAST_BYTES, free_inodes: inodes = LEAST_INODES } =
    state.finding.measures ?? {};
  return (
    (hasReason(state, 'full') && bytes < LEAST_BYTES) ||
    (hasReason(state, 'inodes-exhausted') && inodes < LEAST_INODES)
  );
}

function hasRunSince({ since }: CheckState, runner: RunnerTarget, indexed: SnapshotIndex): boolean {
  return eventsOfRunner(indexed, runner, 'job-ran').some(({ event }) => event.lastAt > since);
}

/** A confirmed cause keeps it from pulling the image that each of its jobs needs. */
export function lacksHelperImage(
  runner: RunnerTarget,
  causes: readonly Cause[],
  indexed: SnapshotIndex,
): boolean {
  const confirmed = new Set(
    causes.filter(({ confidence }) => confidence === 'confirmed').map(({ id }) => id),
  );
  return eventsOfRunner(indexed, runner, 'not-prepared').some(
    ({ event }) =>
      confirmed.has(event.cause ?? '') && dataOf(event, LOCAL_FAULT)?.helper_image !== undefined,
  );
}
