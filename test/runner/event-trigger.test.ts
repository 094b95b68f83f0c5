/** What the runner says brings forward the checks that it concerns: at once, and not more often than agreed. */
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { ProbeResult } from '../../src/core/finding.ts';
import type { RunnerEvent } from '../../src/core/runner-event.ts';
import type { Place } from '../../src/core/place.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';
import { EventTrigger } from '../../src/runner/event-trigger.ts';
import { setClock } from '../support/clock.ts';
import { rootFolder } from '../support/dns-server.ts';
import { contextIn } from '../support/places.ts';
import { ENDPOINT, runnerTarget } from '../support/probes.ts';
import { inColours } from '../support/runner-lines.ts';
import { event } from '../support/events.ts';
import { patient, until } from '../support/until.ts';

const OTHER = 'https://other.test/';
const PLACE: Place = { ...PACKAGED_PLACE, id: 'unit', log: { kind: 'file', path: '/runner.log' } };
const RUNNERS = [runnerTarget('abc12defg'), runnerTarget('xyz12defg', OTHER)];

async function startTrigger() {
  const root = await rootFolder({ '/runner.log': '' });
  const clock = setClock();
  const triggered: string[] = [];
  const trigger = new EventTrigger({ clock }, (job, isFresh) =>
    triggered.push(isFresh ? `${job} afresh` : job),
  );
  const place = { ...PLACE, paths: root.paths };
  trigger.follow([contextIn(place, { runners: RUNNERS })]);
  const log = trigger.logAt(place);
  if (log === undefined) throw new Error('the log is not followed');
  await log.read(patient());
  return {
    trigger,
    log,
    clock,
    triggered,
    write: async (message: string, runner: string, level: 'warning' | 'info' = 'warning') => {
      const line = inColours({ level, message, fields: { runner, status: 'EOF' } });
      await appendFile(join(root.paths.rootfs, 'runner.log'), `${line}\n`);
    },
    [Symbol.asyncDispose]: async () => {
      trigger.stop();
      await root[Symbol.asyncDispose]();
    },
  };
}

function countersResult(...events: readonly RunnerEvent[]): ProbeResult {
  return {
    check: 'runner-metrics@unit',
    startedAt: 0,
    durationSeconds: 0,
    finding: { status: 'pass', events },
  };
}

describe('a line', () => {
  test('about a poll brings the walk of its own entry forward, afresh', async () => {
    await using stage = await startTrigger();
    await stage.write('Checking for jobs... failed', 'xyz12defg');
    await until(() => stage.triggered.length > 1);

    expect(stage.triggered).toEqual(['runner-log@unit', `walk@${OTHER} afresh`]);
  });

  test('about the process brings the check of the service forward', async () => {
    await using stage = await startTrigger();
    await stage.write('Configuration loaded', '', 'info');
    await until(() => stage.triggered.length > 1);

    expect(stage.triggered).toEqual(['runner-log@unit', 'service@unit']);
  });

  test('that says the same again brings nothing forward', async () => {
    await using stage = await startTrigger();
    for (let line = 0; line < 20; line += 1) {
      await stage.write('Checking for jobs... failed', 'abc12defg');
    }
    await until(async () => (await stage.log.read(patient())).lines === 20);

    expect(stage.triggered).toEqual(['runner-log@unit', `walk@${ENDPOINT.id} afresh`]);
  });
});

describe('counters', () => {
  const failed = event('polls-failed', { runner: 'abc12defg' });
  const walked = `walk@${ENDPOINT.id} afresh`;

  test('that begin to fail bring the walk forward, once until they work again', async () => {
    await using stage = await startTrigger();
    stage.trigger.observe(countersResult());
    stage.trigger.observe(countersResult(failed));
    stage.clock.advance(60);
    stage.trigger.observe(countersResult(failed));
    expect(stage.triggered).toEqual([walked]);

    stage.trigger.observe(countersResult());
    stage.trigger.observe(countersResult(failed));
    expect(stage.triggered).toEqual([walked, walked]);
  });

  test('that change all the time bring a walk forward once in ten seconds', async () => {
    await using stage = await startTrigger();
    for (let round = 0; round < 20; round += 1) {
      stage.trigger.observe(countersResult());
      stage.trigger.observe(countersResult(failed));
      stage.clock.advance(1);
    }

    expect(stage.triggered).toEqual([walked, walked]);
  });

  test('of another check trigger nothing', async () => {
    await using stage = await startTrigger();
    stage.trigger.observe({ ...countersResult(failed), check: 'service@unit' });

    expect(stage.triggered).toEqual([]);
  });
});
