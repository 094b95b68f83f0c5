/** The handshake is that of the Go in the runner's process: what an older one, or GODEBUG, accepts is accepted. */
import type { TlsOptions } from 'node:tls';

import { describe, expect, test } from 'vitest';

import type { GoBuild } from '../../src/core/go-build.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import type { RunnerProcess } from '../../src/core/reading.ts';
import { NEWEST_GO } from '../../src/go/settings.ts';
import { trustReaderOf } from '../../src/go/tls/trust.ts';
import type { AcceptanceCase } from '../support/acceptance-case.ts';
import { leafWith, trusted } from '../support/acceptance-case.ts';
import { rsaKeys } from '../support/certificates.ts';
import { LARGE_KEY_BITS, largeRsaKeys } from '../support/large-rsa-keys.ts';
import { BUNDLE, probeTls } from '../support/probe-tls.ts';
import { runnerProcess } from '../support/runner-process.ts';
import { startTcpServer } from '../support/tcp-server.ts';
import { startTlsServer } from '../support/tls-server.ts';

const files = { [BUNDLE]: trusted.map(({ pem }) => pem).join('') };
const rsaLeaf = leafWith({ keys: rsaKeys(2048) });

type Process = Pick<RunnerProcess, 'go' | 'environment'>;

function goOf(minor: number, defaults: GoBuild['defaults'] = {}): Process {
  return { go: { text: `go1.${minor}.0`, minor, defaults } };
}

function godebug(GODEBUG: string): Process {
  return { environment: { GODEBUG } };
}

async function verdict(chain: AcceptanceCase['chain'], server: TlsOptions, process: Process) {
  await using peer = await startTlsServer({ chain, ...server });
  const finding = await probeTls({ port: peer.port, files, process: runnerProcess(process) });
  return finding.status === 'pass' ? 'pass' : finding.reason;
}

const RSA_ONLY: TlsOptions = { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256:@SECLEVEL=0' };
const SHA1_ONLY: TlsOptions = {
  maxVersion: 'TLSv1.2',
  ciphers: 'ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0',
  sigalgs: 'RSA+SHA1',
};
const MLKEM_ONLY: TlsOptions = { minVersion: 'TLSv1.3', ecdhCurve: 'X25519MLKEM768' };
const negative = leafWith({ serial: -5n });
const small = leafWith({ keys: rsaKeys(1000) });
const large = leafWith({ keys: largeRsaKeys() });

describe('a server that only some versions of Go accept', () => {
  test.each<[string, AcceptanceCase['chain'], TlsOptions, Process, string]>([
    ['RSA key exchange, Go 1.21', rsaLeaf, RSA_ONLY, goOf(21), 'pass'],
    ['RSA key exchange, by the go.mod', rsaLeaf, RSA_ONLY, goOf(26, { tlsrsakex: '1' }), 'pass'],
    ['RSA key exchange, by GODEBUG', rsaLeaf, RSA_ONLY, godebug('tlsrsakex=1'), 'pass'],
    ['RSA key exchange, Go 1.23', rsaLeaf, RSA_ONLY, goOf(23), 'protocol-unsupported'],
    ['SHA-1 in the handshake, Go 1.23', rsaLeaf, SHA1_ONLY, goOf(23), 'pass'],
    ['SHA-1 in the handshake, Go 1.25', rsaLeaf, SHA1_ONLY, goOf(25), 'protocol-unsupported'],
    ['ML-KEM alone, Go 1.24', rsaLeaf, MLKEM_ONLY, goOf(24), 'pass'],
    ['ML-KEM alone, Go 1.23.0 of 1.22', rsaLeaf, MLKEM_ONLY, goOf(22), 'tls-error'],
    [
      'ML-KEM alone, by GODEBUG',
      rsaLeaf,
      MLKEM_ONLY,
      godebug('tlsmlkem=0'),
      'protocol-unsupported',
    ],
    ['a negative serial, Go 1.22', negative, {}, goOf(22), 'pass'],
    ['a negative serial, Go 1.23', negative, {}, goOf(23), 'not-acceptable'],
    ['RSA of 1000 bits, Go 1.23', small, {}, goOf(23), 'pass'],
    ['RSA of 1000 bits, Go 1.24', small, {}, goOf(24), 'not-acceptable'],
    [`RSA of ${LARGE_KEY_BITS} bits`, large, {}, goOf(26), 'not-acceptable'],
    [`RSA of ${LARGE_KEY_BITS} bits, by GODEBUG`, large, {}, godebug('tlsmaxrsasize=9000'), 'pass'],
  ])('%s', async (_what, chain, server, process, expected) => {
    expect(await verdict(chain, server, process)).toBe(expected);
  });
});

test('a handshake failure proves nothing while the runner offers a cipher that this check cannot', async () => {
  const alert = Buffer.from([0x15, 3, 3, 0, 2, 2, 40]);
  await using server = await startTcpServer((socket) => {
    socket.once('data', () => socket.end(alert));
  });
  const ask = async (process: Process) =>
    await probeTls({ port: server.port, files, process: runnerProcess(process) });

  expect(await ask(goOf(22))).toMatchObject({
    status: 'unknown',
    reason: 'tls-error',
    detail: expect.stringContaining('3DES'),
  });
  expect(await ask(goOf(23))).toMatchObject({ status: 'fail', reason: 'protocol-unsupported' });
});

test.each<[string, Process, boolean]>([
  ['Go 1.26', goOf(26), true],
  ['Go 1.22', goOf(22), false],
  ['GODEBUG', godebug('tlsmlkem=0'), false],
])('the first message needs two packets: %s, %s', async (_what, process, isLarge) => {
  const { promise, resolve } = Promise.withResolvers<number>();
  await using server = await startTcpServer((socket) => {
    socket.once('data', (bytes: Buffer) => {
      resolve(bytes.length);
      socket.destroy();
    });
  });
  await probeTls({ port: server.port, files, process: runnerProcess(process) });
  expect((await promise) > 1400).toBe(isLarge);
});

test('while it is down, the program that starts next decides', () => {
  const down = { process: undefined, paths: HOST_PATHS };
  const { rsaKeyExchange, tripleDes } = trustReaderOf({
    ...down,
    program: { ...goOf(21), ...godebug('tlsrsakex=0') },
  }).go;
  expect({ rsaKeyExchange, tripleDes }).toEqual({ rsaKeyExchange: true, tripleDes: true });
  expect(trustReaderOf(down).go).toEqual(NEWEST_GO);
});
