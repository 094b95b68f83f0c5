/** What the runner's own polls prove: GitLab accepted the token of the entry that polled. */
import type { Snapshot } from '../core/check.ts';
import type { EventKind, RunnerEvent } from '../core/runner-event.ts';

const WORKED: ReadonlySet<EventKind> = new Set<EventKind>(['poll-worked', 'polls-worked']);
const POLLS: ReadonlySet<EventKind> = new Set<EventKind>([
  ...WORKED,
  'poll-failed',
  'polls-failed',
  'disabled',
]);
/** A poll is held for a minute at most; then the next one begins. */
const PROOF_SECONDS = 300;

/** Entries whose last poll succeeded, by the runner's log or counters. */
export function runnersWithOwnPolls({ checks, takenAt }: Snapshot): ReadonlySet<string> {
  const events = checks.flatMap(({ finding }) => finding.events ?? []);
  const latest = new Map<string, RunnerEvent>();
  for (const event of events.filter(({ kind }) => POLLS.has(kind))) {
    const { runner = '', lastAt } = event;
    if (lastAt > (latest.get(runner)?.lastAt ?? 0)) latest.set(runner, event);
  }
  const since = takenAt - PROOF_SECONDS * 1000;
  return new Set(
    [...latest]
      .filter(([, { kind, lastAt }]) => WORKED.has(kind) && lastAt > since)
      .map(([runner]) => runner),
  );
}
