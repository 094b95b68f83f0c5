/** Events that a runner wrote or counted, for tests of rules: one a minute ago by default. */
import type { Finding } from '../../src/core/finding.ts';
import type { FindingData } from '../../src/core/finding-data.ts';
import type { EventKind, RunnerEvent } from '../../src/core/runner-event.ts';
import { addSighting } from '../../src/core/sightings.ts';
import { classify } from '../../src/runner/log/classify.ts';
import { START } from './clock.ts';
import type { World } from './snapshots.ts';

export const MINUTE = 60_000;

/** A world in which the runner's log and its counters can be read. */
export const TALKING: World = {
  log: { kind: 'journal', unit: 'gitlab-runner.service' },
  service: { metrics: { host: '127.0.0.1', port: 9252 } },
};

/** `times`: when it was seen; `over` may say what these do not. */
export interface EventOver extends Partial<RunnerEvent> {
  readonly times?: readonly number[];
}

export function event(kind: EventKind, { times, ...over }: EventOver = {}): RunnerEvent {
  const [first = START, ...others] = times ?? [over.lastAt ?? START - MINUTE];
  const sightings = others.reduce((all, at) => addSighting(all, at), addSighting(undefined, first));
  return { kind, ...sightings, text: `line: ${kind}`, facts: {}, ...over };
}

/** Instants up to so many seconds ago, each so many seconds after the one before. */
export function timesUntil(agoSeconds: number, count: number, everySeconds: number): number[] {
  return Array.from(
    { length: count },
    (_none, index) => START - (agoSeconds + (count - 1 - index) * everySeconds) * 1000,
  );
}

/** The result of a readable log or of readable counters, with these events. */
export function showing(...events: readonly RunnerEvent[]): Finding {
  return { status: 'pass', events };
}

/** What the reader of the log takes from a warning of the runner. */
export function dataOfLine(
  message: string,
  fields: Readonly<Record<string, string>> = {},
): FindingData {
  return classify({ level: 'warning', message, fields })?.data ?? {};
}

/** The same, of a failed poll with this status. */
export function dataOfPoll(
  status: string,
  fields: Readonly<Record<string, string>> = {},
): FindingData {
  const end = status.includes('503 ') ? 'GitLab instance currently unavailable' : 'failed';
  return dataOfLine(`Checking for jobs... ${end}`, { status, ...fields });
}
