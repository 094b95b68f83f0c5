import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';

import { describe, expect, test } from 'vitest';

import { dataOf } from '../../src/core/finding-data.ts';
import { TRUST_CHANGED_AT, TRUSTED_HERE, VALIDITY } from '../../src/go/tls/handshake-facts.ts';
import { isPublicRoot } from '../../src/go/tls/public-roots.ts';
import type { MadeCertificate, Shape } from '../support/certificates.ts';
import { daysFromNow, make, makeRoot } from '../support/certificates.ts';
import { BUNDLE, CERTS, probeTls } from '../support/probe-tls.ts';
import { startTlsServer } from '../support/tls-server.ts';
import { patient } from '../support/until.ts';

const LEAF: Shape = { name: 'gitlab.test', dns: ['gitlab.test'] };
const root = makeRoot({ name: 'Private Root', organisation: 'Example' });
const below = make({ name: 'Private Issuing', organisation: 'Example', isAuthority: true }, root);
const leaf = make(LEAF, root);
const deepLeaf = make(LEAF, below);
const OWN_FILE = `${CERTS}/gitlab.test.crt`;

type Chain = Parameters<typeof startTlsServer>[0]['chain'];
type Over = Omit<Parameters<typeof probeTls>[0], 'port'>;

async function shake(chain: Chain, over: Over) {
  await using server = await startTlsServer({ chain });
  return await probeTls({ port: server.port, ...over });
}

function bundle(...made: readonly MadeCertificate[]) {
  return { files: { [BUNDLE]: made.map(({ pem }) => pem).join('') } };
}

/** Unix seconds in which a certificate of a year ends, as DER has them. */
const IN_A_YEAR = expect.closeTo(daysFromNow(365).getTime() / 1000, -2);

test('a root of the bundle passes, and says what was shown', async () => {
  const finding = await shake([deepLeaf, below], bundle(root));
  expect(finding).toEqual({
    status: 'pass',
    data: { [VALIDITY.symbol]: expect.anything(), [TRUST_CHANGED_AT.symbol]: expect.any(Number) },
    attachments: { certificate_chain: deepLeaf.pem + below.pem },
    measures: {
      handshake_seconds: expect.any(Number),
      leaf_not_after_timestamp_seconds: IN_A_YEAR,
      chain_not_after_timestamp_seconds: IN_A_YEAR,
    },
    facts: {
      host: 'gitlab.test',
      ca_file: OWN_FILE,
      ca_file_state: 'none',
      ca_file_configured: false,
      certs_file: OWN_FILE,
      client_file: '/etc/gitlab-runner/certs/gitlab.test.auth.crt',
      client_state: 'none',
      anchors: 1,
      trust_changed_at: expect.stringMatching(/^20\d\d-/),
      protocol: 'TLSv1.3',
      cipher: expect.stringMatching(/^TLS_/),
      chain_length: 2,
      subject: 'CN=gitlab.test',
      issuer: 'CN=Private Issuing',
      root: 'CN=Private Root',
      names: 'gitlab.test',
      not_before: expect.stringMatching(/^20\d\d-/),
      not_after: expect.stringMatching(/^20\d\d-/),
      fingerprint_sha256: expect.stringMatching(/^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/),
      serial: expect.stringMatching(/^[0-9A-F]+$/),
    },
  });
});

describe('a private authority passes', () => {
  test.each([
    [
      'named by tls-ca-file',
      { trust: { caFile: '/srv/ca.pem' }, files: { '/srv/ca.pem': root.pem } },
    ],
    ['as certs/<host>.crt', { files: { [OWN_FILE]: root.pem } }],
    ['beside another in the bundle', { files: { [BUNDLE]: leaf.pem, [OWN_FILE]: root.pem } }],
    ['when only the intermediate is known', { files: { [OWN_FILE]: below.pem } }],
    ['when only the server’s certificate is known', { files: { [OWN_FILE]: deepLeaf.pem } }],
  ])('%s', async (_, over) => {
    expect(await shake([deepLeaf, below], over)).toMatchObject({ status: 'pass' });
  });
});

test('tls-ca-file hides certs/<host>.crt', async () => {
  const files = { [OWN_FILE]: root.pem, '/srv/ca.pem': make(LEAF).pem };
  const finding = await shake([leaf], { files, trust: { caFile: '/srv/ca.pem' } });
  expect(finding).toMatchObject({ status: 'fail', reason: 'unknown-authority' });
});

test('the socket handed on is secured, and the path can be opened and secured once more', async () => {
  await using server = await startTlsServer({ chain: [leaf] });
  const sockets: unknown[] = [];
  await probeTls({
    port: server.port,
    ...bundle(root),
    inspect: async (walk) => {
      const again = await walk.open?.(patient());
      for (const socket of [walk.socket, again]) {
        sockets.push(socket !== undefined && 'encrypted' in socket && socket.encrypted);
      }
      again?.destroy();
    },
  });
  expect(sockets).toEqual([true, true]);
});

describe('what is wrong with the chain has a reason', () => {
  const signed = (over: Partial<Shape>): Chain => [make({ ...LEAF, ...over }, root)];
  const old = make({ name: 'Old', isAuthority: true, until: daysFromNow(-0.5) }, root);
  const cases: readonly (readonly [string, Chain, string])[] = [
    ['self-signed', [make(LEAF)], 'the certificate CN=gitlab.test is self-signed'],
    [
      'missing-intermediate',
      [deepLeaf],
      'the server sent only its own certificate; its issuer CN=Private Issuing was not sent and is not known on this host',
    ],
    ['expired', signed({ until: daysFromNow(-0.5) }), 'the certificate expired on'],
    ['intermediate-expired', [make(LEAF, old), old], 'the issuer CN=Old expired on'],
    ['not-yet-valid', signed({ from: daysFromNow(9) }), 'the certificate is not valid before'],
    [
      'name-mismatch',
      signed({ dns: ['other.test'] }),
      'the certificate is for other hosts (other.test), not gitlab.test',
    ],
    [
      'no-san',
      signed({ dns: [] }),
      'the certificate has no subject alternative name for a host; Go ignores its common name',
    ],
    ['not-acceptable', signed({ serial: -1n }), 'its serial number is negative'],
  ];
  test.each(cases)('%s', async (reason, chain, detail) => {
    const finding = await shake(chain, bundle(root));
    expect(finding).toMatchObject({
      status: 'fail',
      reason,
      detail: expect.stringContaining(detail),
    });
    expect(finding.measures).toHaveProperty('leaf_not_after_timestamp_seconds');
  });
});

test('an unknown authority is named, with what the server showed', async () => {
  const finding = await shake([deepLeaf, below, root], bundle());
  expect(finding).toMatchObject({
    status: 'fail',
    reason: 'unknown-authority',
    detail:
      "chain of 3, signed by CN=Private Root, which is in neither the system bundle nor the runner's CA file",
    facts: { root: 'CN=Private Root', chain_length: 3 },
  });
  expect(finding.facts).not.toHaveProperty('also_wrong');
});

test('a bundle that SSL_CERT_FILE puts in the place of the system’s is named', async () => {
  const files = { '/srv/own.pem': make(LEAF).pem };
  const finding = await shake([leaf], { files, trust: { systemFile: '/srv/own.pem' } });

  expect(finding).toMatchObject({
    reason: 'unknown-authority',
    detail: expect.stringContaining('SSL_CERT_FILE of the runner replaces the system bundle'),
  });
});

test('the host’s clock decides what has expired', async () => {
  const finding = await shake([leaf], { ...bundle(root), now: daysFromNow(366).getTime() });
  expect(finding).toMatchObject({ status: 'fail', reason: 'expired' });
});

test('all that is wrong is reported, the first to be repaired as the reason', async () => {
  const odd = make({ ...LEAF, dns: ['other.test'], until: daysFromNow(-0.5) }, root);
  const finding = await shake([odd], bundle());
  expect(finding).toMatchObject({
    status: 'fail',
    reason: 'unknown-authority',
    detail: expect.stringMatching(
      /^chain of 1.*; the certificate expired on .*; the certificate is for other hosts/,
    ),
    facts: { also_wrong: 'expired, name-mismatch' },
  });
});

describe('a CA file that cannot be used is the reason', () => {
  const caFile = '/srv/ca.pem';
  test.each([
    ['ca-file-missing', {}, '/srv/ca.pem does not exist'],
    ['ca-file-missing', { '/srv': 'a file' }, '/srv/ca.pem does not exist'],
    ['ca-file-unreadable', { '/srv/ca.pem/in': 'a folder' }, '/srv/ca.pem cannot be read'],
    ['ca-file-invalid', { [caFile]: root.der }, '/srv/ca.pem has no PEM certificate'],
    ['ca-file-invalid', { [caFile]: '' }, '/srv/ca.pem has no PEM certificate'],
  ])('%s', async (reason, files, detail) => {
    const finding = await shake([leaf], { files, trust: { caFile } });
    const text = `${detail}; chain of 1, signed by CN=Private Root`;
    expect(finding).toMatchObject({
      status: 'fail',
      reason,
      detail: expect.stringContaining(text),
    });
  });

  test('only when the chain needs it', async () => {
    const finding = await shake([leaf], { ...bundle(root), trust: { caFile } });
    expect(finding).toMatchObject({ status: 'pass', facts: { ca_file_state: 'missing' } });
  });
});

describe('what ends soon is a warning', () => {
  const soon = { until: daysFromNow(5) };
  const soonRoot = makeRoot({ name: 'Soon Root', ...soon });
  test('the server’s certificate', async () => {
    const finding = await shake([make({ ...LEAF, ...soon }, root)], bundle(root));
    const detail = expect.stringMatching(/^the certificate expires on /);
    expect(finding).toMatchObject({ status: 'warn', reason: 'expiring-soon', detail });
  });

  test('the root of the CA file', async () => {
    const finding = await shake([make(LEAF, soonRoot)], { files: { [OWN_FILE]: soonRoot.pem } });
    const detail = expect.stringMatching(/^the issuer CN=Soon Root in the CA file expires on /);
    expect(finding).toMatchObject({ status: 'warn', reason: 'expiring-soon', detail });
  });

  test('not before the limit, and not what the chain does without', async () => {
    const files = { [BUNDLE]: root.pem, [OWN_FILE]: root.pem + soonRoot.pem };
    const chain: Chain = [leaf, makeRoot({ name: 'Sent in vain', until: daysFromNow(-0.1) })];
    const finding = await shake(chain, { files });
    expect(finding).toMatchObject({ status: 'pass' });
    const end = Math.floor(soon.until.getTime() / 1000);
    expect(finding.measures).toMatchObject({ ca_file_not_after_timestamp_seconds: end });
  });
});

describe('beside a container of the runner that is not visible', () => {
  const unseen = 'its pod does not share processes';

  test('an authority of our own bundle alone is named', async () => {
    const finding = await shake([deepLeaf, below], { ...bundle(root), unseen });
    expect(finding.status).toBe('pass');
    expect(dataOf(finding, TRUSTED_HERE)).toBe('CN=Private Root');
  });

  test('one of a file that both have is not, also where our bundle has it too', async () => {
    const files = { [BUNDLE]: root.pem, [OWN_FILE]: root.pem };
    const finding = await shake([leaf], { files, unseen });
    expect(finding.status).toBe('pass');
    expect(dataOf(finding, TRUSTED_HERE)).toBeUndefined();
  });

  test('a visible runner has the bundle that was read', async () => {
    expect(dataOf(await shake([leaf], bundle(root)), TRUSTED_HERE)).toBeUndefined();
  });
});

test('the authorities of browsers are public, and no other', () => {
  const publicRoots = rootCertificates.map((pem) => new X509Certificate(pem));
  expect(publicRoots.filter((one) => !isPublicRoot(one))).toEqual([]);
  expect(isPublicRoot(new X509Certificate(root.pem))).toBe(false);
});
