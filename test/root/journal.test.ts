/** The runner's log out of a real journald. Needs root. */
import { expect, test } from 'vitest';

import { inMountNamespace } from '../support/mount-namespace.ts';
import { followJournal } from './journal-body.ts';

const BODY = import.meta.resolve('./journal-body.ts');

test('each line is read once: from before, as it comes, over a rotation, and over the death of journalctl', async () => {
  const unit = `runnerwatch-test-${process.pid}.service`;

  expect(await inMountNamespace(BODY, followJournal, unit)).toEqual({
    read: [1, 2, 3, 4],
    kinds: ['poll-failed 4'],
    state: 'reading',
  });
});
