/** Whose control groups are seen: the path of a group is that of the host, and a container may have another /sys. */
import { expect, test } from 'vitest';

import { readGroupFiles, seesGroups } from '../../../src/host/proc/control-group.ts';
import { rootFolder } from '../../support/dns-server.ts';

const PID = 812;
const GROUPS = '/sys/fs/cgroup';
/** At the root of what we see, as that of our own container is. */
const OURS = { [`${GROUPS}/memory.max`]: '1\n', [`${GROUPS}/memory/memory.failcnt`]: '9\n' };

test.each([
  ['version 2', '0::/system.slice/a.service\n', '/system.slice/a.service/cgroup.procs', true],
  ['version 1', '8:memory:/docker/0a1b\n', '/memory/docker/0a1b/memory.usage_in_bytes', true],
  ['version 2 of another container', '0::/../0a1b\n', undefined, false],
  ['version 1 of another container', '8:memory:/docker/0a1b\n', undefined, false],
  ['a process that has ended', '', undefined, true],
])('the group of %s', async (_which, membership, file, isSeen) => {
  const there = file === undefined ? {} : { [`${GROUPS}${file}`]: '0\n' };
  await using root = await rootFolder({ [`/proc/${PID}/cgroup`]: membership, ...OURS, ...there });

  expect(await seesGroups(PID, root.paths)).toBe(isSeen);
});

test('without its own group those above are of others', async () => {
  await using root = await rootFolder({
    [`/proc/${PID}/cgroup`]: '8:memory:/docker/0a1b\n',
    ...OURS,
  });

  expect(await readGroupFiles(PID, 'memory', root.paths)).toEqual([]);
});
