/**
 * How does the time of one diagnosis grow with the number of entries? `node bench/diagnosis.ts`. The daemon diagnoses
 * after every check, on its only thread: the target is under 50 ms for 500 entries, and about ten times the time of 50
 * entries. Each number is a median, see median.ts.
 */
import { diagnose } from '../src/diagnosis/diagnose.ts';
import type { Snapshot } from '../src/core/check.ts';
import { showing, event, TALKING } from '../test/support/events.ts';
import type { FindingSpec } from '../test/support/snapshots.ts';
import { brokenAt, fail, GITLAB, runner, snapshotOf } from '../test/support/snapshots.ts';
import { medianMilliseconds } from './median.ts';

const SIZES = [50, 500] as const;

type Ids = readonly string[];

const SCENES: Readonly<Record<string, (ids: Ids) => Readonly<Record<string, FindingSpec>>>> = {
  'all is well': () => ({}),
  'GitLab is away': (ids) => brokenAt('connect', fail('refused'), GITLAB, ids),
  'all tokens are refused': (ids) =>
    Object.fromEntries(ids.map((id) => [`token@${id}`, fail('rejected')])),
  'Docker is down': () => ({ executor: fail('daemon-down') }),
};

/** Every entry polls, has counters of its polls, and had a failure recently. */
function sceneOf(
  count: number,
  say: (ids: Ids) => Readonly<Record<string, FindingSpec>>,
): Snapshot {
  const ids = Array.from({ length: count }, (_none, index) => `r${String(index).padStart(8, '0')}`);
  const polls = ids.flatMap((id) => [
    event('polls-worked', { runner: id }),
    event('polls-failed', { runner: id, facts: { status: '502' } }),
  ]);
  const lines = ids.map((id) => event('poll-worked', { runner: id }));
  const talk = { 'runner-metrics': showing(...polls), 'runner-log': showing(...lines) };
  return snapshotOf({ ...talk, ...say(ids) }, { ...TALKING, runners: ids.map((id) => runner(id)) });
}

for (const [name, say] of Object.entries(SCENES)) {
  const [few = 0, many = 0] = SIZES.map((count) => {
    const snapshot = sceneOf(count, say);
    return medianMilliseconds(() => void diagnose(snapshot));
  });
  const growth = (many / few).toFixed(1);
  process.stdout.write(
    `${name.padEnd(24)} 50 entries ${few.toFixed(1).padStart(6)} ms   500 entries ${many.toFixed(1).padStart(7)} ms   ${growth} times as long\n`,
  );
}
