import { describe, expect, test } from 'vitest';

import { make, makeRoot } from '../support/certificates.ts';
import { BUNDLE, probeTls } from '../support/probe-tls.ts';
import { startTcpServer } from '../support/tcp-server.ts';
import { startTlsServer } from '../support/tls-server.ts';

const root = makeRoot({ name: 'Private Root' });
const leaf = make({ name: 'gitlab.test', dns: ['gitlab.test'] }, root);
const files = { [BUNDLE]: root.pem };

describe('a port that does not shake hands', () => {
  test('speaks something else', async () => {
    await using server = await startTcpServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    const finding = await probeTls({ port: server.port, files });
    expect(finding).toMatchObject({ status: 'fail', reason: 'plaintext-server' });
  });

  test.each([
    ['is reset', 'resetAndDestroy', 'the connection was reset after the first TLS message'],
    ['is closed', 'end', 'the connection was closed after the first TLS message'],
  ] as const)('%s', async (_, how, detail) => {
    await using server = await startTcpServer((socket) => {
      socket.once('data', () => socket[how]());
    });
    const finding = await probeTls({ port: server.port, files });
    expect(finding).toMatchObject({ status: 'fail', reason: 'handshake-blocked', detail });
  });

  test('stays silent', async () => {
    await using server = await startTcpServer();
    const signal = AbortSignal.timeout(300);
    const finding = await probeTls({ port: server.port, files, signal });
    const detail = 'no response to the first TLS message before the timeout';
    expect(finding).toMatchObject({ status: 'fail', reason: 'handshake-blocked', detail });
  });

  test('sends an alert that says nothing known', async () => {
    await using server = await startTcpServer((socket) => {
      socket.once('data', () => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 80])));
    });
    const finding = await probeTls({ port: server.port, files });
    const detail = 'the server rejected the handshake with TLS alert 80';
    expect(finding).toMatchObject({ status: 'unknown', reason: 'tls-error', detail });
  });

  test('wants a protocol above TLS, which the runner does not name', async () => {
    await using server = await startTcpServer((socket) => {
      socket.once('data', () => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 120])));
    });
    const finding = await probeTls({ port: server.port, files });
    expect(finding).toMatchObject({ status: 'fail', reason: 'http2-only' });
  });

  test('does not know the name', async () => {
    await using server = await startTcpServer((socket) => {
      socket.once('data', () => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 112])));
    });
    const finding = await probeTls({ port: server.port, files });
    expect(finding).toMatchObject({ status: 'fail', reason: 'name-mismatch' });
  });

  test.each([
    [4, undefined],
    [8, 'warn slow: the TLS handshake takes 8.0 s'],
    [13, 'fail late: the TLS handshake takes 13.0 s, and the runner gives up after 10 s'],
  ])('that takes %d s is %s', async (handshakeSeconds, expected) => {
    await using server = await startTlsServer({ chain: [leaf] });
    const { status, ...finding } = await probeTls({ port: server.port, files, handshakeSeconds });
    const text = 'detail' in finding ? `${status} ${finding.reason}: ${finding.detail}` : undefined;
    expect(text).toBe(expected);
  });

  test('has no version in common', async () => {
    await using server = await startTlsServer({
      chain: [leaf],
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
    });
    const finding = await probeTls({ port: server.port, files });
    expect(finding).toMatchObject({ status: 'fail', reason: 'protocol-unsupported' });
  });
});
