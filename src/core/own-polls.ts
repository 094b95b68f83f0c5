/** What the runner's own polls prove: GitLab took the token of the entry that polled. */
import type { Snapshot } from './check.ts';
import type { Sighting } from './runner-event.ts';

const WORKED: ReadonlySet<string> = new Set(['poll-worked', 'polls-worked']);
const POLLS: ReadonlySet<string> = new Set([...WORKED, 'poll-failed', 'polls-failed', 'disabled']);
/** A poll is held for a minute at most; then the next one begins. */
const PROOF_SECONDS = 300;

/** Entries whose last poll for jobs, by the runner's own log or counters, worked. */
export function pollingRunners({ checks, takenAt }: Snapshot): ReadonlySet<string> {
  const sightings = checks.flatMap(({ finding }) => finding.sightings ?? []);
  const latest = new Map<string, Sighting>();
  for (const sighting of sightings.filter(({ kind }) => POLLS.has(kind))) {
    const { runner = '', lastAt } = sighting;
    if (lastAt > (latest.get(runner)?.lastAt ?? 0)) latest.set(runner, sighting);
  }
  const since = takenAt - PROOF_SECONDS * 1000;
  return new Set(
    [...latest]
      .filter(([, { kind, lastAt }]) => WORKED.has(kind) && lastAt > since)
      .map(([runner]) => runner),
  );
}
