/** A runner that a real script in /etc/init.d runs: what its place says is typed, and works. */
import { expect, test } from 'vitest';

import { rootFolder } from '../support/dns-server.ts';
import { inMountNamespace } from '../support/mount-namespace.ts';
import { typeAtScript } from './sysv-body.ts';

const BODY = import.meta.resolve('./sysv-body.ts');

test('a variable is given to it, and it is restarted by its script', async () => {
  await using root = await rootFolder({});
  const result = await inMountNamespace(BODY, typeAtScript, root.paths.rootfs);
  const [first, second] = result.pids;

  expect(result.description).toBe('script /etc/init.d/gitlab-runner');
  expect(second).not.toBe(first);
  expect(result.proxy).toBe('http://proxy:3128');
});
