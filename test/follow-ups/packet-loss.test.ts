/** When loss is measured; what it is on a bad link, test/root/network-quality.test.ts shows. */
import { expect, test } from 'vitest';

import type { Finding, ProbeResult } from '../../src/core/finding.ts';
import type { Walk } from '../../src/core/probe.ts';
import { packetLoss } from '../../src/follow-ups/packet-loss.ts';
import { setClock, START } from '../support/clock.ts';
import { ENDPOINT } from '../support/probes.ts';
import { followUp } from '../support/run-follow-up.ts';
import { startDeafServer, startTcpServer } from '../support/tcp-server.ts';

const after = (seconds: number): Finding => ({
  status: 'pass',
  measures: { connect_seconds: seconds },
});
const lossAt = (startedAt: number): ProbeResult => ({
  check: `connect@${ENDPOINT.id}`,
  startedAt,
  durationSeconds: 0,
  finding: { status: 'warn', reason: 'packet-loss', detail: '3 of 10' },
});

async function measure(port: number, finding: Finding, recent: readonly ProbeResult[] = []) {
  const walk: Walk = { addresses: [{ address: '127.0.0.1', family: 4 }] };
  const target = { ...ENDPOINT, url: new URL(`https://gitlab.test:${port}/`) };
  const tools = { walk, clock: setClock() };
  return await followUp(packetLoss, { link: 'connect', finding, target, tools, recent });
}

test.each<[string, Finding, readonly ProbeResult[]]>([
  ['when the answer came at once', after(0.1), []],
  ['when the last loss was long ago', after(0.1), [lossAt(START - 61_000)]],
])('nothing is measured %s', async (_when, finding, recent) => {
  await using deaf = await startDeafServer();

  expect(await measure(deaf.port, finding, recent)).toEqual(finding);
});

test.each<[string, Finding, readonly ProbeResult[]]>([
  ['after an answer so late that a request may have been lost', after(1.02), []],
  ['for a minute after a loss', after(0.1), [lossAt(START - 59_000)]],
])('it is measured %s', async (_when, finding, recent) => {
  await using server = await startTcpServer();

  const measured = await measure(server.port, finding, recent);
  expect(measured.measures).toEqual({ ...finding.measures, lost_ratio: expect.any(Number) });
});

test('when no request comes through it is a blocked path, and stays one', async () => {
  await using deaf = await startDeafServer();
  const timeout: Finding = {
    status: 'fail',
    reason: 'timeout',
    detail: 'no answer',
    measures: { connect_seconds: 5 },
  };

  expect(await measure(deaf.port, timeout)).toEqual({
    ...timeout,
    measures: { connect_seconds: 5, lost_ratio: 1 },
  });
});
