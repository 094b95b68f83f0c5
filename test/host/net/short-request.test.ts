/** A short request over TCP, with and without TLS. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';

import { describe, expect, test } from 'vitest';

import { LongAnswerError, requestOverTcp } from '../../../src/host/net/short-request.ts';
import { make, makeRoot } from '../../support/certificates.ts';
import { createCluster } from '../../support/kubernetes-stand-in.ts';
import { startTcpServer } from '../../support/tcp-server.ts';
import { patient } from '../../support/until.ts';

const ROOT = makeRoot({ name: 'Short Root' });
const MIDDLE = make({ name: 'Short Intermediate', isAuthority: true }, ROOT);
const LEAF = make({ name: 'server', ip: ['127.0.0.1'], isAuthority: false }, MIDDLE);
const OTHER = make({ name: 'other' }, ROOT);

const ASK = { path: '/version', maxBytes: 1000 };

async function askServer(tls: Parameters<typeof requestOverTcp>[1], request = ASK) {
  const { server } = createCluster({}, { cert: LEAF.pem, key: LEAF.keyPem });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return await requestOverTcp({ host: '127.0.0.1', port }, tls, {
      ...request,
      signal: patient(),
    });
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}

describe('files for TLS', () => {
  const pair = { cert: OTHER.pem, key: OTHER.keyPem };

  test('that fit are used', async () => {
    expect(await askServer({ ca: MIDDLE.pem, ...pair })).toMatchObject({ status: 200 });
  });

  test.each([
    ['a key of another certificate', { ...pair, key: LEAF.keyPem }],
    ['no certificate', { ...pair, cert: 'none' }],
    ['no key', { ...pair, key: 'none' }],
  ])('that do not are refused before anything is connected: %s', async (_what, files) => {
    const { promise: taken, resolve } = Promise.withResolvers<void>();
    let count = 0;
    await using server = await startTcpServer(() => {
      count += 1;
      resolve();
    });
    const destination = { host: '127.0.0.1', port: server.port };
    const refused = requestOverTcp(destination, files, { ...ASK, signal: patient() });

    await expect(refused).rejects.toThrow(/files for TLS cannot be used/);
    // A server takes connections in their order: one made before would be counted too.
    const own = connect(server.port, '127.0.0.1');
    await taken;
    own.destroy();
    expect(count).toBe(1);
  });

  test('of an intermediate alone are enough, as in Go, and those of another authority are not', async () => {
    expect(await askServer({ ca: MIDDLE.pem })).toMatchObject({ status: 200 });
    expect(await askServer({ ca: LEAF.pem })).toMatchObject({ status: 200 });
    await expect(askServer({ ca: OTHER.pem })).rejects.toMatchObject({
      code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    });
  });
});

test('an answer that is too long is an error of its own', async () => {
  const short = { ...ASK, maxBytes: 10 };

  await expect(askServer({ ca: MIDDLE.pem }, short)).rejects.toBeInstanceOf(LongAnswerError);
});
