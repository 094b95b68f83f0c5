/** What becomes of a place whose container is gone: replaced by a later one, stopped, or nobody can tell. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { Discovery } from '../../src/discovery/discovery.ts';
import { setClock } from '../support/clock.ts';
import type { RootFolder } from '../support/dns-server.ts';
import { rootFolder, writeFiles } from '../support/dns-server.ts';
import { startDockerServer } from '../support/docker-stand-in.ts';
import { BOOTED_SECONDS, PROC_STAT, procProcess } from '../support/proc-process.ts';

const CONFIG = '/etc/gitlab-runner/config.toml';
const ENTRY =
  '[[runners]]\n  url = "https://gitlab.test/"\n  token = "glrt-abcdefghi"\n  executor = "shell"\n';
const MOUNTS = '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n';
const FORGOTTEN_SECONDS = 5 * 60;

interface Runner {
  readonly pid: number;
  /** Of which the id of its container consists. */
  readonly digit: string;
  /** On the host. */
  readonly folder: string;
  readonly startedSeconds?: number;
}

const idOf = (digit: string): string => digit.repeat(64);
const nameOf = (digit: string): string => `docker:${digit.repeat(12)}`;

function filesOf({ pid, digit, folder, startedSeconds = pid }: Runner) {
  const args = ['gitlab-runner', 'run', '--config', CONFIG];
  return {
    ...procProcess(pid, { args, startedSeconds, environment: [] }),
    [`/proc/${pid}/cgroup`]: `0::/docker/${idOf(digit)}\n`,
    [`/proc/${pid}/mountinfo`]: [
      `60 1 0:${pid} / / rw - overlay overlay rw`,
      `61 60 8:1 ${folder} /etc/gitlab-runner rw - ext4 /dev/sda1 rw\n`,
    ].join('\n'),
    [`/proc/${pid}/root${CONFIG}`]: ENTRY,
  };
}

async function hostWith(...runners: readonly Runner[]): Promise<RootFolder> {
  return await rootFolder({
    ...PROC_STAT,
    '/proc/self/mountinfo': MOUNTS,
    '/proc/1/mountinfo': MOUNTS,
    '/var/run/x': '',
    ...Object.assign({}, ...runners.map((one) => filesOf(one))),
  });
}

function watch({ paths }: RootFolder) {
  const clock = setClock((BOOTED_SECONDS + 3600) * 1000);
  const discovery = new Discovery({ paths, clock });
  return {
    clock,
    look: async (): Promise<readonly string[]> => {
      await discovery.refresh({});
      return discovery.hostContext().contexts.map(({ place }) => place.id);
    },
    contexts: () => discovery.hostContext().contexts,
    mayBeReplaced: (): readonly unknown[] =>
      discovery.hostContext().contexts.map(({ place }) => place.mayBeReplaced),
    end: async (pid: number) => await rm(join(paths.procfs, String(pid)), { recursive: true }),
    start: async (runner: Runner) => await writeFiles(paths.rootfs, filesOf(runner)),
  };
}

const FIRST: Runner = { pid: 100, digit: 'a', folder: '/srv/runner' };
const LATER: Runner = { pid: 200, digit: 'b', folder: '/srv/runner' };
const OTHER: Runner = { pid: 300, digit: 'c', folder: '/srv/other' };

test('a later container on the same config.toml of the host replaces one that is gone', async () => {
  await using root = await hostWith(FIRST);
  const { look, end, start } = watch(root);
  const before = await look();
  await end(FIRST.pid);
  await start(LATER);

  expect(before).toEqual([nameOf('a')]);
  expect(await look()).toEqual([nameOf('b')]);
});

test('also one that was started before the other one ended', async () => {
  await using root = await hostWith(FIRST, LATER);
  const { look, end } = watch(root);
  const both = await look();
  await end(FIRST.pid);

  expect(both).toEqual([nameOf('a'), nameOf('b')]);
  expect(await look()).toEqual([nameOf('b')]);
});

test('the same process in a container that is called otherwise by now is one place', async () => {
  await using root = await hostWith(FIRST);
  const { look, start } = watch(root);
  await look();
  await start({ ...FIRST, digit: 'f', folder: '/srv/moved' });

  expect(await look()).toEqual([nameOf('f')]);
});

test('what a person writes into its config.toml while it does not run is read on the host', async () => {
  await using root = await hostWith({ ...FIRST, digit: '9' });
  const socket = join(root.paths.rootfs, '/var/run/docker.sock');
  const inspected = { [idOf('9')]: { Name: '/edited' } };
  await using engine = await startDockerServer({ inspected }, socket);
  await writeFiles(root.paths.rootfs, { '/srv/runner/config.toml': ENTRY });
  const { look, end, contexts } = watch(root);
  await look();
  await end(FIRST.pid);
  const ids = await look();
  const before = contexts()[0];
  await writeFiles(root.paths.rootfs, { '/srv/runner/config.toml': 'concurrent = ' });
  await look();
  const broken = contexts()[0];
  await rm(join(root.paths.rootfs, 'srv/runner'), { recursive: true });
  await look();

  expect(engine.asked).not.toHaveLength(0);
  expect(ids).toEqual(['docker:edited']);
  expect([before?.configProblems, before?.runners.length]).toEqual([[], 1]);
  expect(broken?.configProblems).toMatchObject([{ code: 'syntax-error', file: CONFIG }]);
  expect(broken?.runners).toHaveLength(1);
  expect(before?.place.hostPath(CONFIG)).toBe('/srv/runner/config.toml');
  // A file system that is not mounted now hides it; what was known holds.
  expect(contexts()[0]?.configProblems).toEqual(broken?.configProblems);
});

test('an earlier one, or one on another file, replaces nothing', async () => {
  await using root = await hostWith(FIRST, LATER, OTHER);
  const { look, end } = watch(root);
  await look();
  await end(LATER.pid);

  expect(await look()).toEqual([nameOf('a'), nameOf('b'), nameOf('c')]);
});

test('of one without a name nobody can tell what became of it, and it goes after minutes', async () => {
  await using root = await hostWith(FIRST, OTHER);
  const { clock, look, end, mayBeReplaced } = watch(root);
  await look();
  await end(OTHER.pid);
  clock.advance(FORGOTTEN_SECONDS);
  const gone = await look();

  expect(gone).toEqual([nameOf('a'), nameOf('c')]);
  expect(mayBeReplaced()).toEqual([true, true]);
  clock.advance(1);
  expect(await look()).toEqual([nameOf('a')]);
});

test('one that its engine has named stays for a day', async () => {
  await using root = await hostWith({ ...FIRST, digit: 'd' }, { ...OTHER, digit: 'e' });
  const inspected = { [idOf('d')]: { Name: '/one' }, [idOf('e')]: { Name: '/two' } };
  const socket = join(root.paths.rootfs, '/var/run/docker.sock');
  await using engine = await startDockerServer({ inspected }, socket);
  const { clock, look, end, mayBeReplaced } = watch(root);
  await look();
  await end(OTHER.pid);
  clock.advance(FORGOTTEN_SECONDS + 1);

  expect(await look()).toEqual(['docker:one', 'docker:two']);
  expect(engine.asked.filter((path) => !path.includes('all=1'))).toHaveLength(2);
  expect(mayBeReplaced()).toEqual([undefined, undefined]);
});

test('no more than ten that are gone are kept', async () => {
  const many = Array.from({ length: 16 }, (_one, index) => ({
    pid: 1000 + index,
    digit: index.toString(16),
    folder: `/srv/${index}`,
  }));
  await using root = await hostWith(...many);
  const { look, end } = watch(root);
  expect(await look()).toHaveLength(16);
  for (const { pid } of many.slice(1)) await end(pid);

  expect(await look()).toHaveLength(11);
});
