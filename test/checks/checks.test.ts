/** A reload while a walk of the last plan is under way, and a round in a process that is suspended. */
import { expect, test } from 'vitest';

import { Checks } from '../../src/checks/checks.ts';
import type { Clock } from '../../src/core/clock.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { ProbeResult } from '../../src/core/finding.ts';
import type { Probe } from '../../src/core/probe.ts';
import type { Target } from '../../src/core/target.ts';
import { createLog } from '../../src/log.ts';
import { contextsAt } from '../support/places.ts';
import { setClock } from '../support/clock.ts';
import { ENDPOINT, failingFinding, HOST, PASS, probe, runnerTarget } from '../support/probes.ts';
import { until } from '../support/until.ts';

const OTHER = { ...ENDPOINT, id: 'https://other.test/', url: new URL('https://other.test/') };

function planOf(...targets: readonly Target[]) {
  const settings = { requestsPerHour: 20, probes: {} };
  return { targets, settings, contexts: contextsAt(), logAt: () => undefined };
}

function checksOf(one: Probe, clock: Clock, onResult: (result: ProbeResult) => void): Checks {
  return new Checks({
    probes: [one],
    requestsPerHour: 20,
    clock,
    log: createLog({ level: 'error', format: 'json', sink: { write: () => {} } }),
    onResult,
  });
}

test.each([
  { suspended: 1, runs: 2, found: ['fail'] },
  { suspended: 2, runs: 2, found: [] },
  { suspended: 0, runs: 1, found: ['fail'] },
])(
  'a round in which the process was suspended $suspended times runs $runs times',
  async ({ suspended, runs, found }) => {
    const clock = setClock();
    let ran = 0;
    const disk = probe({
      id: 'disk',
      run: () => {
        ran += 1;
        if (ran <= suspended) clock.advance(60);
        return failingFinding();
      },
    });
    const ended: string[] = [];
    const checks = checksOf(disk, clock, ({ finding }) => ended.push(finding.status));
    checks.plan(planOf(HOST));
    await checks.runAll(new AbortController().signal);

    expect([ran, ended]).toEqual([runs, found]);
  },
);

test('a result of the last plan counts where its target is the same, and not after its url was changed', async () => {
  const gates: PromiseWithResolvers<void>[] = [];
  const token = probe({
    id: 'token',
    kind: 'runner',
    timeoutSeconds: 15,
    run: async () => {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      await gate.promise;
      return PASS;
    },
  });
  const ended: string[] = [];
  const checks = checksOf(token, systemClock, ({ check }) => ended.push(check));
  checks.plan(planOf(ENDPOINT, runnerTarget('stays'), runnerTarget('moves')));
  const round = checks.runAll(new AbortController().signal);
  await until(() => gates.length === 1);
  checks.plan(planOf(ENDPOINT, OTHER, runnerTarget('stays'), runnerTarget('moves', OTHER.id)));
  gates[0]?.resolve();
  await until(() => gates.length === 2);
  gates[1]?.resolve();
  await round;

  expect(ended).toEqual(['token@stays']);
});
