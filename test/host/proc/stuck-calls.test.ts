import { symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { StuckCalls } from '../../../src/host/proc/stuck-calls.ts';
import { setClock } from '../../support/clock.ts';
import { rootFolder } from '../../support/dns-server.ts';
import { procProcess } from '../../support/proc-process.ts';

const MOUNTS = [
  '20 1 8:1 / / rw - ext4 /dev/sda1 rw',
  '35 20 8:2 / /builds rw - ext4 /dev/sda2 rw',
  '36 20 8:3 / /cache rw - ext4 /dev/sda3 rw',
].join('\n');

interface Hangs {
  readonly state?: string;
  readonly folder?: string;
  readonly more?: Readonly<Record<string, string>>;
}

/** A process that waits in a call, by its working folder; `more` is below its folder of /proc. */
async function hostWith({ state = 'D', folder = '/builds/group', more = {} }: Hangs) {
  const own = { mountinfo: MOUNTS, syscall: '257 0xffffff9c 0x7f 0x1\n', ...more };
  const root = await rootFolder({
    ...procProcess(7, { args: ['dd'], state }),
    ...Object.fromEntries(Object.entries(own).map(([name, text]) => [join('/proc/7', name), text])),
  });
  await symlink(folder, join(root.paths.procfs, '7/cwd'));
  return root;
}

async function afterTenSeconds(device: string, hangs: Hangs) {
  await using root = await hostWith(hangs);
  const clock = setClock();
  const calls = new StuckCalls();
  const first = await calls.find(device, clock, root.paths);
  clock.advance(10);
  return [first, await calls.find(device, clock, root.paths)];
}

test('one that is in state D at two readings and never ran between them hangs, at its folder', async () => {
  expect(await afterTenSeconds('8:2', {})).toEqual([
    undefined,
    { pid: 7, name: 'gitlab) runner', seconds: 10, deviceNumber: '8:2' },
  ]);
  expect(await afterTenSeconds('8:1', {})).toEqual([undefined, undefined]);
});

test('the open file that the call is about counts before the folder', async () => {
  const more = { syscall: '1 0x5 0x7f 0x1\n', 'fdinfo/5': 'pos:\t0\nflags:\t01\nmnt_id:\t36\n' };

  expect(await afterTenSeconds('8:3', { more })).toMatchObject([undefined, { pid: 7 }]);
  expect(await afterTenSeconds('8:2', { more })).toEqual([undefined, undefined]);
});

test.each([
  ['one that sleeps', { state: 'S' }],
  ['one that was frozen on purpose', { more: { wchan: '__refrigerator' } }],
  ['one elsewhere', { folder: '/home' }],
])('%s hangs in no call', async (_who, hangs: Hangs) => {
  expect(await afterTenSeconds('8:2', hangs)).toEqual([undefined, undefined]);
});

function hasRun(times: number) {
  const status = `Name:\tdd\nvoluntary_ctxt_switches:\t${times}\nnonvoluntary_ctxt_switches:\t0\n`;
  return { status };
}

test('one that ran between two readings is only slow', async () => {
  await using before = await hostWith({ more: hasRun(1) });
  await using after = await hostWith({ more: hasRun(2) });
  const clock = setClock();
  const calls = new StuckCalls();
  await calls.find('8:2', clock, before.paths);
  clock.advance(10);

  expect(await calls.find('8:2', clock, after.paths)).toBeUndefined();
});

test('all file systems share one reading', async () => {
  await using root = await hostWith({});
  await using empty = await rootFolder({});
  const clock = setClock();
  const calls = new StuckCalls();
  await calls.find('8:2', clock, root.paths);
  clock.advance(10);
  await calls.find('8:1', clock, root.paths);

  expect(await calls.find('8:2', clock, empty.paths)).toMatchObject({ pid: 7 });
});
