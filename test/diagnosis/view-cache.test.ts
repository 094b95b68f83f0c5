/** The keeper of the last view: made when something was learned, read for nothing, logged once. */
import { setImmediate } from 'node:timers/promises';

import { expect, test } from 'vitest';

import type { View } from '../../src/core/view.ts';
import { createLog } from '../../src/log.ts';
import { ViewCache } from '../../src/diagnosis/view-cache.ts';
import { brokenAt, fail, snapshotOf } from '../support/snapshots.ts';
import { viewOf } from '../support/views.ts';

function keeper() {
  const lines: string[] = [];
  const log = createLog({
    level: 'debug',
    format: 'logfmt',
    sink: { write: (line) => lines.push(line) },
  });
  const world: { said: Parameters<typeof snapshotOf>[0]; made: number } = { said: {}, made: 0 };
  const make = (): View => {
    world.made += 1;
    return viewOf(snapshotOf(world.said));
  };
  return { lines, world, kept: new ViewCache(make, log) };
}

test('a thousand readers cost one view', () => {
  const { kept, world } = keeper();
  const first = kept.view();

  for (let reader = 0; reader < 1000; reader += 1) expect(kept.view()).toBe(first);
  expect(world.made).toBe(1);
});

test('several results of one turn make one view, at its end', async () => {
  const { kept, world } = keeper();
  const before = kept.view();
  kept.renewSoon();
  kept.renewSoon();
  kept.renewSoon();

  expect(kept.view()).toBe(before);
  await setImmediate();
  expect(kept.view()).not.toBe(before);
  expect(world.made).toBe(2);
  kept.renewSoon();
  await setImmediate();
  expect(world.made).toBe(3);
});

test('a change is logged once, a standstill never', () => {
  const { kept, world, lines } = keeper();
  kept.renew();
  kept.renew();
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/verdict changed.*healthy|to=healthy/);

  world.said = brokenAt('connect', fail('refused'));
  kept.renew();
  kept.renew();
  expect(lines).toHaveLength(3);
  expect(lines[1]).toMatch(/cause appeared/);
  expect(lines[1]).toMatch(/tcp-connection-refused/);
});

test('listeners hear of each renewal, and not after they have left', () => {
  const { kept } = keeper();
  const heard: string[] = [];
  const leave = kept.onChange(() => heard.push(kept.view().diagnosis.verdict));
  kept.renew();
  leave();
  kept.renew();

  expect(heard).toEqual(['healthy']);
});
