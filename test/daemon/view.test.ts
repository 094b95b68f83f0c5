/** The view: made when something was learned, read for nothing, and each change of it said once. */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { defaultSettings } from '../../src/config/settings/settings.ts';
import type { Clock } from '../../src/core/clock.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { Probe } from '../../src/core/probe.ts';
import { Daemon } from '../../src/daemon.ts';
import { createLog } from '../../src/log.ts';
import { setClock } from '../support/clock.ts';
import { failingFinding, PASS, probe } from '../support/probes.ts';
import { until } from '../support/until.ts';

let rootfs: string;
beforeEach(async () => {
  rootfs = await mkdtemp(join(tmpdir(), 'runnerwatch-view-'));
  await mkdir(join(rootfs, 'proc'));
});
afterEach(async () => {
  await rm(rootfs, { recursive: true, force: true });
});

function daemonWith(probes: readonly Probe[], clock: Clock = setClock()) {
  const lines: string[] = [];
  const daemon = new Daemon({
    probes,
    settings: { ...defaultSettings(probes), runnerConfig: '/config.toml' },
    loadSettings: async () => ({ settings: undefined, problems: [] }),
    paths: { rootfs, procfs: join(rootfs, 'proc'), sysfs: rootfs },
    clock,
    log: createLog({
      level: 'info',
      format: 'logfmt',
      sink: { write: (line) => lines.push(line) },
    }),
  });
  const changes = new EventTarget();
  daemon.onChange(() => changes.dispatchEvent(new Event('change')));
  return {
    daemon,
    lines,
    changed: async () => await once(changes, 'change'),
    [Symbol.asyncDispose]: async () => await daemon.stop(),
  };
}

test('a reader gets the view there is, and makes, moves and logs nothing, even before the start', async () => {
  await using stage = daemonWith([probe({ id: 'one' })]);
  const { daemon, lines } = stage;
  const first = daemon.view();

  for (let reader = 0; reader < 1000; reader += 1) expect(daemon.view()).toBe(first);
  expect(first.diagnosis.verdict).toBe('unsure');
  expect(lines).toEqual([]);
});

test('several results of one turn make one view, at its end', async () => {
  await using stage = daemonWith(['one', 'two', 'three'].map((id) => probe({ id })));
  const { daemon, changed } = stage;
  const change = changed();
  await daemon.start();
  await change;

  expect(daemon.view().snapshot.checks.map(({ finding }) => finding.status)).toEqual([
    'pass',
    'pass',
    'pass',
  ]);
});

test('a change is logged once, and the same again never', async () => {
  const findings: Finding[] = [PASS, PASS];
  let runs = 0;
  const run = (): Finding => {
    runs += 1;
    return findings.shift() ?? failingFinding();
  };
  await using stage = daemonWith([probe({ id: 'one', intervalSeconds: 0.1, run })], systemClock);
  const { daemon, lines } = stage;
  await daemon.start();
  await until(() => runs >= 8);

  const causes = lines.flatMap((line) => /msg="cause (?<what>\w+)"/.exec(line)?.[1] ?? []);
  expect(causes).toEqual(['appeared', 'confirmed']);
});

test('a listener hears of each renewal, and not after it has left', () => {
  const { daemon } = daemonWith([probe({ id: 'one' })]);
  const changes: boolean[] = [];
  const leave = daemon.onChange(() => changes.push(daemon.view() === before));
  const before = daemon.view();
  daemon.markListening();
  leave();
  daemon.markListening();

  expect(changes).toEqual([false]);
});
