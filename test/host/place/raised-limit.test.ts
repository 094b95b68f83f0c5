/** A fix never sets a lower limit than there is. */
import { expect, test } from 'vitest';

import type { Limit, Place } from '../../../src/core/place.ts';
import { placeOnHost } from '../../../src/host/place/on-host.ts';
import type { Manager } from '../../../src/host/place/on-host.ts';
import { HOST_PATHS } from '../../../src/core/paths.ts';
import { raisedLimit } from '../../../src/host/place/raised-limit.ts';

const LIMITS: readonly Limit[] = ['files', 'tasks', 'memory', 'cpu'];
const GIBIBYTE = 1024 ** 3;

test.each(LIMITS)('the raised limit of %s is larger than any present one', (limit) => {
  for (const present of [0, 0.05, 1, 64, 65_536, 1e6, 3 * GIBIBYTE, 7.5 * GIBIBYTE]) {
    expect(raisedLimit(limit, present)).toBeGreaterThan(present);
  }
});

const MANAGERS: readonly Manager[] = [
  { kind: 'systemd', unit: 'gitlab-runner.service' },
  { kind: 'systemd-user', unit: 'gitlab-runner.service', ownerId: 1000 },
  { kind: 'sysv', script: 'gitlab-runner' },
  { kind: 'by-hand' },
];

function placeOf(manager: Manager): Place {
  return placeOnHost({
    manager,
    paths: HOST_PATHS,
    user: { name: 'root' },
    program: 'gitlab-runner',
    host: { hasSystemd: true },
    engines: { hasPodmanUnit: false },
  });
}

test.each(MANAGERS)('the commands for $kind say the raised number', (manager) => {
  const typed = (limit: Limit, present?: number): string =>
    placeOf(manager)
      .commands.raiseLimit('Raise it.', limit, present)
      .map(({ text, command = '' }) => `${text} ${command}`)
      .join('\n');

  expect(typed('files', 100_000)).toContain('200000');
  expect(typed('files')).toContain('65536');
});

test('systemd reads its own units', () => {
  const { commands } = placeOf({ kind: 'systemd', unit: 'gitlab-runner.service' });
  const typed = (limit: Limit, present: number): string | undefined =>
    commands.raiseLimit('Raise it.', limit, present)[0]?.command;

  expect(typed('memory', 8 * GIBIBYTE)).toBe(
    'sudo systemctl set-property gitlab-runner MemoryMax=16G',
  );
  expect(typed('cpu', 4)).toBe('sudo systemctl set-property gitlab-runner CPUQuota=800%');
  expect(typed('tasks', 20_000)).toBe('sudo systemctl set-property gitlab-runner TasksMax=40000');
});
