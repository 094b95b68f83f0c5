/** A certificate that is refused for its dates, and the time at the server that shows it. */
import { createServer } from 'node:https';
import { once } from 'node:events';

import { expect, test } from 'vitest';

import { systemClock } from '../../src/core/clock.ts';
import type { EndpointTarget } from '../../src/core/target.ts';
import { TrustStore } from '../../src/go/tls/trust.ts';
import { createAlternatePath } from '../../src/follow-ups/alternate-path.ts';
import { daysFromNow, make, makeRoot } from '../support/certificates.ts';
import { BUNDLE, CERTS, HOST, trustFolder } from '../support/probe-tls.ts';
import { followUp } from '../support/run-follow-up.ts';

const root = makeRoot({ name: 'Test Root' });
const expired = make(
  { name: HOST, dns: [HOST], from: daysFromNow(-9), until: daysFromNow(-2) },
  root,
);

/** What the server was asked, and what the look at its clock says, with this host's clock ahead by seconds. */
async function lookWithClockAhead(seconds: number) {
  const asked: string[] = [];
  const server = createServer({ cert: expired.pem, key: expired.keyPem }, (request, response) => {
    asked.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`);
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  await using folder = await trustFolder({
    [BUNDLE]: root.pem,
    '/etc/hosts': `127.0.0.1 ${HOST}\n`,
  });
  const url = new URL(`https://${HOST}:${address.port}/`);
  const target: EndpointTarget = {
    kind: 'endpoint',
    id: url.href,
    url,
    trust: { certsDirectory: CERTS },
    proxy: { kind: 'direct', because: 'HTTPS_PROXY is not set' },
  };
  const fault = { status: 'fail', reason: 'expired', detail: 'seen' } as const;
  const clock = { ...systemClock, wall: () => Date.now() + seconds * 1000 };
  const tools = { paths: folder.paths, clock };
  const alternatePath = createAlternatePath(new TrustStore());
  const finding = await followUp(alternatePath, { link: 'tls', finding: fault, target, tools });
  server.close();
  await once(server, 'close');
  return { finding, asked };
}

test('the clocks agree: it is the certificate', async () => {
  const { finding } = await lookWithClockAhead(0);

  expect(finding).toMatchObject({ status: 'pass', measures: { tried: 1 } });
});

test('the clocks differ: the difference is measured over a connection that need not be trusted', async () => {
  const { finding, asked } = await lookWithClockAhead(5 * 86_400);

  expect(finding).toMatchObject({ status: 'warn', reason: 'clock-differs' });
  expect(finding.measures?.['date_skew_seconds']).toBeCloseTo(-5 * 86_400, -1);
  expect(asked).toEqual([`GET /-/health ${JSON.stringify({ host: HOST, connection: 'close' })}`]);
});
