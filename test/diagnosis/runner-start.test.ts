/** What a start puts an end to, and what systemd is doing at this moment. */
import { expect, test } from 'vitest';

import type { Cause } from '../../src/core/diagnosis.ts';
import type { RunnerEvent } from '../../src/core/runner-event.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { START } from '../support/clock.ts';
import type { FindingSpec, World } from '../support/snapshots.ts';
import { CONFIG, RUNNER_PROCESS, fail, snapshotOf, warn } from '../support/snapshots.ts';
import { showing, event, TALKING } from '../support/events.ts';

const young = { ...RUNNER_PROCESS, startedAt: START - 2000 };

function causesOf(
  findings: Readonly<Record<string, FindingSpec>>,
  world: World = {},
): readonly Cause[] {
  return diagnose(snapshotOf(findings, { ...TALKING, ...world })).causes;
}

function fatal(cause: string): RunnerEvent {
  return event('fatal', { cause, text: 'FATAL: 0 <nil>', count: 3 });
}

function idsWith(cause: string): readonly string[] {
  return causesOf({ 'runner-log': showing(fatal(cause)) }, { process: young }).map(({ id }) => id);
}

test('a start that failed by its config is over when the config loads and a process is there', () => {
  expect(idsWith('config-concurrent-zero')).toEqual([]);
  expect(idsWith('runner-start-failed')).toEqual(['runner-start-failed']);
});

test('a start that may not read its config names the file, not the unit', () => {
  const findings = {
    service: fail('crash-loop'),
    'runner-log': showing(fatal('config-unreadable')),
  };

  const place = { ...PACKAGED_PLACE, user: { name: 'ci' } };

  expect(causesOf(findings, { process: undefined, place })).toMatchObject([
    {
      id: 'config-unreadable',
      summary: `The runner's user (ci) has no permission to read ${CONFIG}.`,
      scope: { kind: 'config', id: CONFIG },
    },
  ]);
});

test('a unit that systemd stops or starts at this moment informs, and no more', () => {
  const findings = { service: warn('restarting'), 'runner-log': showing() };

  expect(causesOf(findings, { process: undefined })).toMatchObject([
    { id: 'runner-shutting-down', severity: 'info', scope: { kind: 'service' } },
  ]);
});

test('a start gives the files back, also when the last line about them was read just after it', () => {
  const startedAt = START - 20_000;
  const idsAt = (lastAt: number): readonly string[] => {
    const line = event('poll-failed', { cause: 'fd-limit-reached', count: 8, lastAt });
    const world = { process: { ...RUNNER_PROCESS, startedAt } };
    return causesOf({ 'runner-log': showing(line) }, world).map(({ id }) => id);
  };

  expect(idsAt(startedAt + 1000)).toEqual([]);
  expect(idsAt(startedAt + 5000)).toEqual(['fd-limit-reached']);
});
