/** What Go does in the process of the runner, by its version and by GODEBUG. */
import { expect, test } from 'vitest';

import { parseGodebug } from '../../src/core/go-build.ts';
import { goSettingsOf, NEWEST_GO } from '../../src/go/settings.ts';

function settings(minor: number | undefined, GODEBUG = '', defaults = '') {
  const text = `go1.${minor}.1`;
  return goSettingsOf({
    environment: { GODEBUG },
    ...(minor === undefined ? {} : { go: { text, minor, defaults: parseGodebug(defaults) } }),
  });
}

/** In letters: RSA key exchange, 3DES, SHA-1, negative serials, small RSA keys; then the groups. */
function inShort(of: ReturnType<typeof settings>): string {
  const { rsaKeyExchange, tripleDes, sha1Handshakes, negativeSerials, smallRsaKeys, mlkem } = of;
  const flags = [rsaKeyExchange, tripleDes, sha1Handshakes, negativeSerials, smallRsaKeys];
  return `${flags.map((flag, index) => (flag ? 'R3SNK'[index] : '-')).join('')} ${mlkem}`;
}

test.each([
  // GitLab Runner 16.0, 16.11 and 17.0, 17.1, 17.7, 18.1, 18.8, 19.
  [19, 'R3SNK none'],
  [21, 'R3SNK none'],
  [22, '-3SNK none'],
  [23, '--S-K x25519'],
  [24, '--S-- x25519'],
  [25, '----- x25519'],
  [26, '----- all'],
  [undefined, '----- all'],
])('Go 1.%s by its own defaults: %s', (minor, expected) => {
  expect(inShort(settings(minor))).toBe(expected);
});

const OF_121 =
  'rsa1024min=0,tls3des=1,tlsmlkem=0,tlsrsakex=1,tlssecpmlkem=0,tlssha1=1,x509negativeserial=1';

test.each([
  ['go.mod of 1.21 built with 1.26', 26, '', OF_121, 'R3SNK none'],
  [
    'the process decides against the defaults',
    26,
    'tlsmlkem=1,tlsrsakex=0',
    OF_121,
    '-3SNK x25519',
  ],
  ['the last of two entries counts', 26, 'tlsmlkem=0,tlsmlkem=1', '', '----- all'],
  ['other entries do not matter', 26, 'http2debug=1,tlsmlkem=0,,x', '', '----- none'],
  ['a name of a later Go means nothing', 19, 'tlsmlkem=1,tlsrsakex=0', '', 'R3SNK none'],
  ['the draft group of 1.23 alone', 23, 'tlskyber=0', '', '--S-K none'],
  ['a process whose program is unknown', undefined, 'tlsrsakex=1', '', 'R---- all'],
])('%s', (_what, minor, godebug, defaults, expected) => {
  expect(inShort(settings(minor, godebug, defaults))).toBe(expected);
});

/** In letters: empty lengths, several colons, EDNS. */
function readings({ emptyLengths, severalColons, edns }: ReturnType<typeof settings>): string {
  return [emptyLengths, severalColons, edns]
    .map((flag, index) => (flag ? 'LCE'[index] : '-'))
    .join('');
}

test.each([
  [19, '', 'LCE'],
  [22, '', '-CE'],
  [25, '', '-CE'],
  [26, '', '--E'],
  [undefined, '', '--E'],
  [26, 'httplaxcontentlength=1,urlstrictcolons=0,netedns0=0', 'LC-'],
  [20, 'netedns0=0', 'LCE'],
  [21, 'netedns0=0', 'LC-'],
])('Go 1.%s with "%s" reads and sends %s', (minor, godebug, expected) => {
  expect(readings(settings(minor, godebug))).toBe(expected);
});

test('larger RSA keys and certificates with SHA-1, where the process wants them', () => {
  expect(settings(26, 'tlsmaxrsasize=16384').maxRsaBits).toBe(16_384);
  expect(settings(26, 'tlsmaxrsasize=many').maxRsaBits).toBe(8192);
  expect(settings(23, 'x509sha1=1').sha1Certificates).toBe(true);
  expect(settings(24, 'x509sha1=1').sha1Certificates).toBe(false);
});

test('without a process it is the newest Go', () => {
  expect(goSettingsOf(undefined)).toEqual(NEWEST_GO);
});
