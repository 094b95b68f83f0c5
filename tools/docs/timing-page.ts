/** docs/timing.md: how soon each kind of fault is seen, confirmed and cleared, by the times that the lab has measured. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Probe } from '../../src/core/probe.ts';
import { isFault } from '../../lab/scenario.ts';
import { ROWS } from '../../lab/scenarios/index.ts';
import { TIMED_ROWS } from '../../lab/timed-rows.ts';
import type { MeasuredTimes } from '../../lab/timing.ts';
import { code, head, table } from './markdown.ts';

const FILE = join(import.meta.dirname, '../../lab/timing.json');

export function timingPage(probes: readonly Probe[]): string {
  const times = JSON.parse(readFileSync(FILE, 'utf8')) as MeasuredTimes;
  return [
    ...head('Timing', '`lab/timing.json` and `src/probes/`'),
    'How soon a fault is *seen* (its cause is reported), *confirmed* (its evidence has repeated: from then on it makes an',
    'incident and an alert) and *cleared* (after the repair), in seconds, with the default settings.',
    '',
    `Measured on ${times.measuredOn} by \`npm run lab -- --timing\`: real faults in network namespaces, begun at any moment of a turn of`,
    'the checks, on a machine whose two cores were busy with other work. Where a fault was played several times, the',
    'range is shown. Repeated failures of jobs are timed from the last one.',
    '',
    '## By fault',
    '',
    ...table(
      ['fault', 'cause', 'check', 'seen', 'confirmed', 'cleared'],
      TIMED_ROWS.flatMap(({ id, probe }) => faultRow(id, probe, times)),
    ),
    '## By check',
    '',
    'How often each check runs. A link of the path that fails is tried again at its next turn; a check with a longer',
    'interval, because GitLab limits its requests, is also brought forward: when a link before it changes, and when',
    "the runner's own log or counters say something else than its last result. After a failure it is also brought forward",
    'by a sign of the end: a further complaint of the runner is overdue (20 s where it complained every few seconds), or a',
    'poll has worked. Without a readable log or counters there is no such sign, and it has its next turn.',
    '',
    ...table(
      ['check', 'every', 'gives up after', 'measured above'],
      probes.map(({ id, intervalSeconds, timeoutSeconds }) => [
        code(id),
        `${intervalSeconds} s`,
        `${timeoutSeconds} s`,
        TIMED_ROWS.some(({ probe }) => probe === id) ? 'yes' : 'no',
      ]),
    ),
  ].join('\n');
}

function faultRow(
  id: string,
  probe: string,
  { rows }: MeasuredTimes,
): readonly (readonly string[])[] {
  const row = ROWS.find((one) => one.id === id);
  const times = rows[id];
  if (row === undefined || !isFault(row) || times === undefined) return [];
  const { title, expect } = row;
  const causes = [expect.cause].flat().map((cause) => `[\`${cause}\`](causes.md#${cause})`);
  const { seen, confirmed, cleared } = times;
  const spans = [seen, confirmed, cleared].map((one) => spanOf(one));
  return [[title, causes.join(' or '), code(probe), ...spans]];
}

/** `4`, `4 to 12`. */
function spanOf(seconds: readonly number[]): string {
  const [least, most] = [Math.min(...seconds), Math.max(...seconds)].map((one) => Math.round(one));
  return least === most ? `${least}` : `${least} to ${most}`;
}
