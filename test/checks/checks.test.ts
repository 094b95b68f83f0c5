/** A reload while a walk of the last plan is under way. */
import { expect, test } from 'vitest';

import { Checks } from '../../src/checks/checks.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Target } from '../../src/core/target.ts';
import { createLog } from '../../src/log.ts';
import { contextsAt } from '../support/places.ts';
import { ENDPOINT, PASS, probe, runnerTarget } from '../support/probes.ts';
import { until } from '../support/until.ts';

const OTHER = { ...ENDPOINT, id: 'https://other.test/', url: new URL('https://other.test/') };

function planOf(...targets: readonly Target[]) {
  const settings = { requestsPerHour: 20, probes: {} };
  return { targets, settings, contexts: contextsAt(), logAt: () => undefined };
}

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
  const checks = new Checks({
    probes: [token],
    requestsPerHour: 20,
    clock: systemClock,
    log: createLog({ level: 'error', format: 'json', sink: { write: () => {} } }),
    onResult: ({ check }) => ended.push(check),
  });
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
