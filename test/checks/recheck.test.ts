import { expect, test } from 'vitest';

import type { Finding, ProbeResult } from '../../src/core/finding.ts';
import type { SecondLook, Walk } from '../../src/core/probe.ts';
import { deferResults } from '../../src/checks/recheck.ts';
import { failing, PASS } from '../support/probes.ts';
import { patient } from '../support/until.ts';

const result = (check: string, finding: Finding): ProbeResult => ({
  check: `${check}@gitlab`,
  startedAt: 1,
  durationSeconds: 0.5,
  finding,
});

const DOUBT: Finding = { status: 'warn', reason: 'doubtful', detail: 'the address may be wrong' };

function doubting(look: SecondLook['look'], ...links: readonly string[]): SecondLook {
  return { links: ['connect', ...links], look };
}

function stage(signal: AbortSignal = patient()) {
  const emitted: string[] = [];
  const walk: Walk = {};
  const held = deferResults(walk, signal, ({ check, finding }) => {
    emitted.push(`${check.split('@')[0] ?? ''} ${finding.status}`);
  });
  return { emitted, walk, held };
}

test('a link that offers no second look is told at once', async () => {
  const { emitted, held } = stage();
  await held.take(result('dns', PASS));
  expect(emitted).toEqual(['dns pass']);
});

test('a link that offers one is told with the next link', async () => {
  const { emitted, walk, held } = stage();
  walk.secondLook = doubting(async () => DOUBT);
  await held.take(result('dns', PASS));
  expect(emitted).toEqual([]);
  await held.take(result('connect', PASS));
  await held.take(result('tls', failing()));
  expect(emitted).toEqual(['dns pass', 'connect pass', 'tls fail']);
});

test('when the next link fails, the second finding takes the place of the first', async () => {
  const { emitted, walk, held } = stage();
  walk.secondLook = doubting(async () => DOUBT);
  await held.take(result('dns', PASS));
  await held.take(result('connect', failing()));
  held.release();
  expect(emitted).toEqual(['dns warn', 'connect fail']);
});

test('with a later link in doubt it is held until that one has passed or failed', async () => {
  const good = stage();
  good.walk.secondLook = doubting(async () => DOUBT, 'tls');
  await good.held.take(result('dns', PASS));
  await good.held.take(result('connect', PASS));
  expect(good.emitted).toEqual([]);
  await good.held.take(result('tls', PASS));
  await good.held.take(result('http', failing()));

  const bad = stage();
  bad.walk.secondLook = doubting(async ({ check }) => ({ ...DOUBT, detail: check }), 'tls');
  await bad.held.take(result('dns', PASS));
  await bad.held.take(result('connect', PASS));
  await bad.held.take(result('tls', failing()));

  expect([good.emitted, bad.emitted]).toEqual([
    ['dns pass', 'connect pass', 'tls pass', 'http fail'],
    ['dns warn', 'connect pass', 'tls fail'],
  ]);
});

test('a second look that fails, or does not end, leaves the first finding', async () => {
  const broken = stage();
  broken.walk.secondLook = doubting(async () => await Promise.reject(new Error('no way')));
  await broken.held.take(result('dns', PASS));
  await broken.held.take(result('connect', failing()));

  const stop = new AbortController();
  const hanging = stage(stop.signal);
  hanging.walk.secondLook = doubting(async () => {
    setImmediate(() => stop.abort(new Error('stopped')));
    return await new Promise<Finding>(() => {});
  });
  await hanging.held.take(result('dns', PASS));
  await hanging.held.take(result('connect', failing()));

  expect([broken.emitted, hanging.emitted]).toEqual([
    ['dns pass', 'connect fail'],
    ['dns pass', 'connect fail'],
  ]);
});

test('what is held when the walk ends is told, once', async () => {
  const { emitted, walk, held } = stage();
  walk.secondLook = doubting(async () => DOUBT);
  await held.take(result('dns', PASS));
  held.release();
  held.release();
  expect(emitted).toEqual(['dns pass']);
});
