import { describe, expect, test } from 'vitest';

import { daysFromNow, make, makeRoot } from '../support/certificates.ts';
import { BUNDLE, CERTS, probeTls } from '../support/probe-tls.ts';
import { startOpensslServer, startTlsServer } from '../support/tls-server.ts';

const root = makeRoot({ name: 'Private Root' });
const leaf = make({ name: 'gitlab.test', dns: ['gitlab.test'] }, root);
const clientRoot = makeRoot({ name: 'Root of the clients' });
const client = make({ name: 'runner', extendedUsages: ['client'] }, clientRoot);
const CLIENT_FILE = `${CERTS}/gitlab.test.auth.crt`;
const KEY_FILE = `${CERTS}/gitlab.test.auth.key`;
const files = { [BUNDLE]: root.pem };

function pair(certificate: string | Buffer, key: string) {
  return { ...files, [CLIENT_FILE]: certificate, [KEY_FILE]: key };
}

const VERSIONS = ['TLSv1.3', 'TLSv1.2'] as const;

describe.each(VERSIONS)('a server that wants a client certificate, %s', (maxVersion) => {
  const flags = maxVersion === 'TLSv1.2' ? ['-tls1_2'] : ['-tls1_3'];

  async function ask(given: Readonly<Record<string, string | Buffer>>) {
    await using server = await startOpensslServer([leaf], clientRoot, flags);
    return await probeTls({ port: server.port, files: given });
  }

  test('accepts the pair of the certs folder', async () => {
    const finding = await ask(pair(client.pem, client.keyPem));
    expect(finding).toMatchObject({
      status: 'pass',
      facts: { protocol: maxVersion },
      measures: { client_not_after_timestamp_seconds: expect.any(Number) },
    });
  });

  test('refuses the connection without one, late or not', async () => {
    const finding = await ask(files);
    const alert = maxVersion === 'TLSv1.3' ? 116 : 40;
    expect(finding).toMatchObject({
      status: 'fail',
      reason: 'client-certificate-required',
      detail: `the server rejected the handshake with TLS alert ${alert}`,
    });
  });

  test.each([
    ['of an unknown authority', make({ name: 'runner' }, root), /TLS alert 48$/],
    [
      'that has expired',
      make({ name: 'runner', until: daysFromNow(-0.5) }, clientRoot),
      /TLS alert 45; the client certificate expired on 20/,
    ],
  ])('refuses one %s', async (_, other, detail) => {
    const finding = await ask(pair(other.pem, other.keyPem));
    expect(finding).toMatchObject({
      status: 'fail',
      reason: 'client-certificate-invalid',
      detail: expect.stringMatching(detail),
      facts: { client_file: CLIENT_FILE, client_state: 'used' },
    });
  });

  test('may close the connection on a bad one, without an alert', async () => {
    const old = make({ name: 'runner', until: daysFromNow(-0.5) }, clientRoot);
    const wanted = { chain: [leaf] as const, maxVersion, requestCert: true, ca: clientRoot.pem };
    await using server = await startTlsServer(wanted);
    const finding = await probeTls({ port: server.port, files: pair(old.pem, old.keyPem) });

    expect(finding).toMatchObject({
      status: 'fail',
      reason: 'client-certificate-invalid',
      detail: expect.stringMatching(
        /asked for a client certificate and then closed .*; the client certificate expired on 20/,
      ),
    });
  });

  test('gets none when the key does not fit, and the finding says so', async () => {
    const finding = await ask(pair(client.pem, leaf.keyPem));
    expect(finding).toMatchObject({
      status: 'fail',
      reason: 'client-certificate-invalid',
      detail: expect.stringContaining(`${KEY_FILE} does not match ${CLIENT_FILE}`),
    });
  });

  test('and only asks for it lets the runner through without', async () => {
    await using server = await startTlsServer({
      chain: [leaf],
      maxVersion,
      requestCert: true,
      rejectUnauthorized: false,
    });
    const finding = await probeTls({ port: server.port, files });
    expect(finding).toMatchObject({ status: 'pass', facts: { protocol: maxVersion } });
  });
});

test('a server that only asks and hands out no session tickets is waited for, but not long', async () => {
  const quiet = ['-verify', '2', '-num_tickets', '0'];
  await using server = await startOpensslServer([leaf], clientRoot, quiet);
  const finding = await probeTls({ port: server.port, files });
  expect(finding).toMatchObject({ status: 'pass', facts: { protocol: 'TLSv1.3' } });
});

test('an expiring client certificate is a warning', async () => {
  const soon = make({ name: 'runner', until: daysFromNow(5) }, clientRoot);
  await using server = await startOpensslServer([leaf], clientRoot);
  const finding = await probeTls({ port: server.port, files: pair(soon.pem, soon.keyPem) });
  const detail = expect.stringMatching(/^the client certificate expires on /);
  expect(finding).toMatchObject({ status: 'warn', reason: 'expiring-soon', detail });
});
