/** What the runner says brings forward the checks that it concerns: at once, and not more often than agreed. */
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { ProbeResult } from '../../src/core/finding.ts';
import type { RunnerEvent } from '../../src/core/runner-event.ts';
import type { Target } from '../../src/core/target.ts';
import { EventTrigger } from '../../src/runner/event-trigger.ts';
import { setClock } from '../support/clock.ts';
import { rootFolder } from '../support/dns-server.ts';
import { ENDPOINT, runnerTarget } from '../support/probes.ts';
import { inColours } from '../support/runner-lines.ts';
import { event } from '../support/events.ts';
import { patient, until } from '../support/until.ts';

const OTHER = 'https://other.test/';
const TARGETS: readonly Target[] = [
  { kind: 'service', id: 'unit', configPath: '/c', log: { kind: 'file', path: '/runner.log' } },
  runnerTarget('abc12defg'),
  runnerTarget('xyz12defg', OTHER),
];

async function listening() {
  const root = await rootFolder({ '/runner.log': '' });
  const clock = setClock();
  const triggered: string[] = [];
  const news = new EventTrigger({ clock, paths: root.paths }, (job, isFresh) =>
    triggered.push(isFresh ? `${job} afresh` : job),
  );
  news.follow(TARGETS);
  await news.log.read(patient());
  return {
    news,
    clock,
    triggered,
    write: async (message: string, runner: string, level: 'warning' | 'info' = 'warning') => {
      const line = inColours({ level, message, fields: { runner, status: 'EOF' } });
      await appendFile(join(root.paths.rootfs, 'runner.log'), `${line}\n`);
    },
    [Symbol.asyncDispose]: async () => {
      news.stop();
      await root[Symbol.asyncDispose]();
    },
  };
}

function counted(...events: readonly RunnerEvent[]): ProbeResult {
  return {
    check: 'runner-metrics@unit',
    startedAt: 0,
    durationSeconds: 0,
    finding: { status: 'pass', events },
  };
}

describe('a line', () => {
  test('about a poll brings the walk of its own entry forward, afresh', async () => {
    await using heard = await listening();
    await heard.write('Checking for jobs... failed', 'xyz12defg');
    await until(() => heard.triggered.length > 1);

    expect(heard.triggered).toEqual(['runner-log@unit', `walk@${OTHER} afresh`]);
  });

  test('about the process brings the check of the service forward', async () => {
    await using heard = await listening();
    await heard.write('Configuration loaded', '', 'info');
    await until(() => heard.triggered.length > 1);

    expect(heard.triggered).toEqual(['runner-log@unit', 'service@unit']);
  });

  test('that says the same again brings nothing forward', async () => {
    await using heard = await listening();
    for (let line = 0; line < 20; line += 1) {
      await heard.write('Checking for jobs... failed', 'abc12defg');
    }
    await until(async () => (await heard.news.log.read(patient())).lines === 20);

    expect(heard.triggered).toEqual(['runner-log@unit', `walk@${ENDPOINT.id} afresh`]);
  });
});

describe('counters', () => {
  const failed = event('polls-failed', { runner: 'abc12defg' });
  const walked = `walk@${ENDPOINT.id} afresh`;

  test('that begin to fail bring the walk forward, once until they work again', async () => {
    await using heard = await listening();
    heard.news.observe(counted());
    heard.news.observe(counted(failed));
    heard.clock.advance(60);
    heard.news.observe(counted(failed));
    expect(heard.triggered).toEqual([walked]);

    heard.news.observe(counted());
    heard.news.observe(counted(failed));
    expect(heard.triggered).toEqual([walked, walked]);
  });

  test('that change all the time bring a walk forward once in ten seconds', async () => {
    await using heard = await listening();
    for (let look = 0; look < 20; look += 1) {
      heard.news.observe(counted());
      heard.news.observe(counted(failed));
      heard.clock.advance(1);
    }

    expect(heard.triggered).toEqual([walked, walked]);
  });

  test('of another check are nobody’s', async () => {
    await using heard = await listening();
    heard.news.observe({ ...counted(failed), check: 'service@unit' });

    expect(heard.triggered).toEqual([]);
  });
});
