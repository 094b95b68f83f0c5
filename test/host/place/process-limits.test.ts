/** The printed commands that raise a limit of a runner without systemd, typed into a real shell. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { raiseLimitSteps } from '../../../src/host/place/process-limits.ts';

/** An id that a shell finds out, with quotes of both kinds. */
const FOUND = `"$(echo '4711')"`;

/** What the command leaves in the limits of groups, below a folder that stands for the root. */
async function typeIn(
  processId: string,
  membership: string,
  limits: Readonly<Record<string, string>>,
) {
  const root = await mkdtemp(join(tmpdir(), 'runnerwatch-limits-'));
  await mkdir(join(root, 'proc/4711'), { recursive: true });
  await writeFile(join(root, 'proc/4711/cgroup'), membership);
  for (const [folder, text] of Object.entries(limits)) {
    await mkdir(join(root, 'sys/fs/cgroup', folder), { recursive: true });
    await writeFile(join(root, 'sys/fs/cgroup', folder, 'pids.max'), `${text}\n`);
  }
  const [step] = raiseLimitSteps('Raise it.', 'tasks', { processId, present: 100 });
  const typed = (step?.command ?? '')
    .replaceAll('/proc/', `${root}/proc/`)
    .replaceAll('/sys/fs/cgroup', `${root}/sys/fs/cgroup`);
  execFileSync('bash', ['-c', `sudo() { "$@"; }; ${typed}`]);
  const after = Object.keys(limits).map(
    async (folder) =>
      [
        folder,
        (await readFile(join(root, 'sys/fs/cgroup', folder, 'pids.max'), 'utf8')).trim(),
      ] as const,
  );
  const found = Object.fromEntries(await Promise.all(after));
  await rm(root, { recursive: true });
  return found;
}

test.each([
  ['version 2', '0::/a/b\n', { 'a/b': '100', a: 'max' }, { 'a/b': '16384', a: 'max' }],
  ['a group above', '0::/a/b\n', { 'a/b': 'max', a: '100' }, { 'a/b': 'max', a: '16384' }],
  [
    'version 1 beside version 2',
    '8:pids:/a\n4:memory:/\n0::/a\n',
    { 'pids/a': '100', a: 'max' },
    { 'pids/a': '16384', a: 'max' },
  ],
])('the limit of tasks is raised where it stands: %s', async (_, membership, limits, after) => {
  expect(await typeIn('4711', membership, limits)).toEqual(after);
  expect(await typeIn(FOUND, membership, limits)).toEqual(after);
});

test('a hard limit of open files that is higher than the new one is kept', () => {
  const [step] = raiseLimitSteps('Raise it.', 'files', { processId: '4711', present: 64 });
  const tries: string[] = (step?.command ?? '').split(' || ');

  expect(tries.map((one) => one.replace(' 2>/dev/null', ''))).toEqual([
    'sudo prlimit --pid 4711 --nofile=65536:',
    'sudo prlimit --pid 4711 --nofile=65536:65536',
    `sudo prlimit --pid 4711 --nofile="$(awk '/^Max open files/ {print $5}' /proc/4711/limits):"`,
  ]);
});
