/** The service probe where /proc hides the processes of other users. */
import { expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import { rootFolder } from '../support/dns-server.ts';
import { inMountNamespace } from '../support/mount-namespace.ts';
import { recordReason, SEEN_VARIABLE } from '../support/recorded-reasons.ts';
import { lookAsNobody } from './service-body.ts';

const BODY = import.meta.resolve('./service-body.ts');

async function runOnce(hidepid: string): Promise<Finding> {
  await using root = await rootFolder({});
  const file = process.env[SEEN_VARIABLE];
  delete process.env[SEEN_VARIABLE];
  const running = inMountNamespace(BODY, lookAsNobody, root.paths.rootfs, hidepid);
  if (file !== undefined) process.env[SEEN_VARIABLE] = file;
  const finding = await running;
  recordReason('service', finding);
  return finding;
}

test.each(['noaccess', 'invisible'])(
  'a /proc mounted with hidepid=%s makes the result unknown, and no fault',
  async (hidepid) => {
    expect(await runOnce(hidepid)).toMatchObject({
      status: 'unknown',
      reason: 'blind',
      detail: '/proc hides the processes of other users (hidepid)',
      measures: { processes: 0 },
    });
  },
);

test('an open /proc shows root’s runner to every user, without its environment', async () => {
  expect(await runOnce('off')).toMatchObject({
    status: 'pass',
    measures: { processes: 1 },
    facts: { uid: 0 },
  });
});
