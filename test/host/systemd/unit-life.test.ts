import { expect, test } from 'vitest';

import { parseUnitState } from '../../../src/host/systemd/systemd.ts';
import { spanSeconds } from '../../../src/host/systemd/unit-life.ts';

test.each([
  ['2min', 120],
  ['1min 30s', 90],
  ['100ms', 0.1],
  ['1h', 3600],
  ['2.500000s', 2.5],
  ['infinity', undefined],
  ['', undefined],
])('%s is %s seconds', (text, seconds) => {
  expect(spanSeconds(text)).toBe(seconds);
});

test('the next start is counted from the time at which the unit began to wait', () => {
  const text =
    'SubState=auto-restart\nRestartUSec=2min\nStateChangeTimestampMonotonic=1000000000\nExecMainCode=0\n';

  expect(parseUnitState(text, 1030)).toMatchObject({ nextStartSeconds: 90 });
  expect(parseUnitState(text, 2000)).toMatchObject({ nextStartSeconds: 0 });
  expect(parseUnitState(text.replace('auto-restart', 'running'), 1030)).not.toHaveProperty(
    'nextStartSeconds',
  );
});

test('a delay that grows is the one that is next', () => {
  const text =
    'SubState=auto-restart-queued\nRestartUSec=5s\nRestartUSecNext=1min\nStateChangeTimestampMonotonic=1000000000\n';

  expect(parseUnitState(text, 1000)).toMatchObject({ nextStartSeconds: 60 });
});

test('a process that runs has not ended', () => {
  const text =
    'SubState=running\nExecMainStartTimestampMonotonic=5\nExecMainExitTimestampMonotonic=0\nExecMainCode=0\n';

  expect(parseUnitState(text)).not.toHaveProperty('life');
});
