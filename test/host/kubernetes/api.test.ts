/** What a request without an answer says about the API server, and what it does not. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import type { TlsOptions } from 'node:tls';

import { describe, expect, test } from 'vitest';

import { Secret } from '../../../src/core/secret.ts';
import { httpUrlOf } from '../../../src/go/http-url.ts';
import type { ClusterAnswer, ClusterConnection } from '../../../src/host/kubernetes/api.ts';
import { readVersion } from '../../../src/host/kubernetes/api.ts';
import { make, makeRoot } from '../../support/certificates.ts';
import type { ClusterScript } from '../../support/kubernetes-stand-in.ts';
import { createCluster } from '../../support/kubernetes-stand-in.ts';
import { patient } from '../../support/until.ts';

const ROOT = makeRoot({ name: 'kubernetes' });
const LEAF = make({ name: 'kube-apiserver', ip: ['127.0.0.1'], isAuthority: false }, ROOT);
const SERVER = { cert: LEAF.pem, key: LEAF.keyPem };

const dial = async (host: string, port: number) => await Promise.resolve(connect(port, host));

function connectionTo(address: string, over: Partial<ClusterConnection> = {}): ClusterConnection {
  const url = httpUrlOf(address);
  if (typeof url === 'string') throw new Error(url);
  return { url, dial, signal: patient(), ...over };
}

/** Fails as the network, the kernel or OpenSSL would. */
async function versionAfter(message: string, code?: string): Promise<ClusterAnswer<string>> {
  const error = Object.assign(new Error(message), code === undefined ? {} : { code });
  const refuse = async () => await Promise.reject(error);
  return await readVersion(connectionTo('http://api.test', { dial: refuse }));
}

async function versionOf(
  says: ClusterScript,
  tls: TlsOptions | undefined,
  over: Partial<ClusterConnection> = {},
): Promise<ClusterAnswer<string>> {
  const { server } = createCluster(says, tls);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const scheme = over.tls === undefined ? 'http' : 'https';
  try {
    return await readVersion(connectionTo(`${scheme}://127.0.0.1:${port}`, over));
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}

describe('a request without an answer', () => {
  test.each([
    ['ECONNREFUSED', 'unreachable'],
    ['ENOTFOUND', 'unreachable'],
    ['ABORT_ERR', 'silent'],
    ['ETIMEDOUT', 'silent'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'ca-wrong'],
    ['CERT_HAS_EXPIRED', 'certificate-wrong'],
    ['HPE_INVALID_CONSTANT', 'not-an-api'],
  ])('%s is the fault %s', async (code, fault) => {
    expect(await versionAfter('x', code)).toMatchObject({ kind: 'fault', fault });
  });

  test.each([
    'EMFILE',
    'EACCES',
    'EPERM',
    'ENTRY_REFUSED',
    'EPROTO',
    'HPE_HEADER_OVERFLOW',
    'INVALID_CA',
    'EE_KEY_TOO_SMALL',
    'CA_MD_TOO_WEAK',
    'CERT_SIGNATURE_FAILURE',
    'ERR_SSL_DH_KEY_TOO_SMALL',
  ])('%s is no fault of the server', async (code) => {
    expect(await versionAfter('x', code)).toEqual({
      kind: 'untold',
      why: `the request failed: ${code}`,
    });
  });

  test('that fails without a code has its message', async () => {
    expect(await versionAfter('made up')).toEqual({
      kind: 'untold',
      why: 'the request failed: made up',
    });
  });

  test.each([
    ['42, a bad certificate', 42, { kind: 'fault', fault: 'credentials-rejected' }],
    ['46, an unknown certificate', 46, { kind: 'fault', fault: 'credentials-rejected' }],
    ['40, any failure', 40, { kind: 'untold' }],
    ['70, another version', 70, { kind: 'untold' }],
  ])(
    'but with the alert %s, is about the client only where it says so',
    async (_what, number, seen) => {
      const message = `error:0A000000:SSL routines:ssl3_read_bytes:alert:SSL alert number ${number}`;

      expect(await versionAfter(message, 'ERR_SSL_ALERT')).toMatchObject(seen);
    },
  );
});

describe('a server', () => {
  test('that demands a client certificate rejects a runner without one', async () => {
    const demanding = { ...SERVER, ca: ROOT.pem, requestCert: true, rejectUnauthorized: true };
    const client = make({ name: 'runner' }, ROOT);
    const files = { ca: ROOT.pem, cert: client.pem, key: client.keyPem };

    expect(await versionOf({}, demanding, { tls: { ca: ROOT.pem } })).toMatchObject({
      kind: 'fault',
      fault: 'credentials-rejected',
    });
    expect(await versionOf({}, demanding, { tls: files })).toMatchObject({ kind: 'answer' });
  });

  test('whose answer is endless is no API server', async () => {
    const page = { status: 200, body: ' '.repeat(100_000) };

    expect(await versionOf({ instead: { '/version': page } }, undefined)).toMatchObject({
      kind: 'fault',
      fault: 'not-an-api',
    });
  });

  test('is not blamed for a token that cannot be sent', async () => {
    const token = new Secret('two\nlines');
    const answer = await versionOf({}, undefined, { token });

    expect(answer).toEqual({ kind: 'untold', why: 'the request failed: ERR_INVALID_CHAR' });
  });
});
