import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { parseUnitState, systemctlAnswers, unitState } from '../../../src/host/systemd/systemd.ts';
import { createStates, startHost } from '../../support/system-manager.ts';
import { patient } from '../../support/until.ts';

const UNIT = 'gitlab-runner.service';

test('properties come in any order, and a value may hold an equals sign', () => {
  const text = 'Result=exit-code\nNRestarts=12\nMainPID=7\nLoadState=loaded\nSubState=a=b\nX=\n';

  expect(parseUnitState(text)).toEqual({
    loadState: 'loaded',
    activeState: '',
    subState: 'a=b',
    mainPid: 7,
    restarts: 12,
    result: 'exit-code',
  });
});

test('the unit is asked for by one call', async () => {
  await using root = await startHost({}, createStates({ MainPID: 99, NRestarts: 3 }));

  expect(await unitState(UNIT, root.paths, patient())).toEqual({
    loadState: 'loaded',
    activeState: 'active',
    subState: 'running',
    mainPid: 99,
    restarts: 3,
    result: 'success',
  });
});

test('a name is an argument, never a command', async () => {
  await using root = await startHost({}, `${createStates({})}\ntest "$4" = 'a; exit 1' || exit 1`);

  expect(await unitState('a; exit 1', root.paths, patient())).toMatchObject({
    loadState: 'loaded',
  });
});

test('where systemd does not run nothing is called', async () => {
  await using root = await startHost({}, createStates({}));
  await rm(join(root.paths.rootfs, 'run'), { recursive: true });

  expect(await unitState(UNIT, root.paths, patient())).toBeUndefined();
  expect(await readFile(root.callsFile, 'utf8')).toBe('');
});

test.each([
  ['that answers', createStates({}), true],
  ['that cannot reach it', 'echo "Failed to connect to bus" >&2\nexit 1', false],
  ['that ignores the question, as in a chroot', 'echo "Running in chroot, ignoring"', false],
])('where its mark is hidden, a systemctl %s decides', async (_what, script, isThere) => {
  await using root = await startHost({}, script);

  expect(await systemctlAnswers()).toBe(isThere);
  expect(await readFile(root.callsFile, 'utf8')).toContain('show -p LoadState');
});

test.each([
  ['fails', 'echo "Failed to connect to bus" >&2\nexit 1'],
  ['is killed', 'kill -9 $$'],
])('a systemctl that %s says nothing', async (_name, script) => {
  await using root = await startHost({}, script);

  expect(await unitState(UNIT, root.paths, patient())).toBeUndefined();
});

test('a systemctl that hangs says nothing, and is ended at the deadline', async () => {
  await using root = await startHost({}, 'exec sleep 600');

  expect(await unitState(UNIT, root.paths, AbortSignal.timeout(300))).toBeUndefined();
});
