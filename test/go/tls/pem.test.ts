import { expect, test } from 'vitest';

import { certificatesOf } from '../../../src/go/tls/pem.ts';
import { subjectOf } from '../../../src/go/tls/certificate-text.ts';
import { ecKeys, make, pemOf } from '../../support/certificates.ts';

const oneMade = make({ name: 'one' });
const one = oneMade.pem;
const two = make({ name: 'two' }).pem;
const lines = one.split('\n');
/** As files are read: one character for each byte. */
const BYTE_ORDER_MARK = Buffer.from('\uFEFF').toString('latin1');
const BOTH = ['CN=one', 'CN=two'];

function eachLine(change: (line: string) => string): string {
  return lines.map((line) => (line === '' ? '' : change(line))).join('\n');
}

// Each row was tried with Go 1.26.8.
test.each<readonly [string, string, readonly string[]]>([
  ['nothing in an empty file', '', []],
  ['one block', one, ['CN=one']],
  ['two blocks', one + two, BOTH],
  ['the same block twice', one + one, ['CN=one', 'CN=one']],
  ['text around the blocks', `# one\n${one}text: between\n${two}\nend`, BOTH],
  ['lines ended by CR LF', (one + two).replaceAll('\n', '\r\n'), BOTH],
  ['nothing where lines are ended by CR', (one + two).replaceAll('\n', '\r'), []],
  ['no newline at the end', one.trimEnd(), ['CN=one']],
  ['the certificate beside its private key', oneMade.keyPem + one, ['CN=one']],
  ['no trusted certificate', pemOf(oneMade.der, 'TRUSTED CERTIFICATE') + two, ['CN=two']],
  ['no block of another name', pemOf(oneMade.der, 'X509 CERTIFICATE') + two, ['CN=two']],
  ['no block behind a byte order mark', BYTE_ORDER_MARK + one + two, ['CN=two']],
  ['a byte order mark in front of a comment', `${BYTE_ORDER_MARK}# mine\n${one}`, ['CN=one']],
  ['DER', oneMade.der.toString('latin1'), []],
  ['no block that holds something else', pemOf(Buffer.from('nonsense')) + two, ['CN=two']],
  [
    'no block with bytes behind',
    pemOf(Buffer.concat([oneMade.der, Buffer.of(0)])) + two,
    ['CN=two'],
  ],
  ['no block that is not base64', one.replace('MI', '!!') + two, ['CN=two']],
  ['no block that is cut off at its end', two + lines.slice(0, 3).join('\n'), ['CN=two']],
  [
    'no block that is cut off in front of another',
    `${lines.slice(0, 3).join('\n')}\n${two}`,
    ['CN=two'],
  ],
  ['no empty block', `-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n${two}`, ['CN=two']],
  ['no block with headers', one.replace('-----\n', '-----\nProc-Type: 4\n\n') + two, ['CN=two']],
  ['no block that is indented', eachLine((line) => `  ${line}`) + two, ['CN=two']],
  [
    'a body that is indented',
    eachLine((line) => (line.startsWith('-') ? line : `  ${line}`)),
    ['CN=one'],
  ],
  ['blanks at the ends of lines', eachLine((line) => `${line}  `), ['CN=one']],
  ['empty lines in between', one.replaceAll('\n', '\n\n'), ['CN=one']],
  ['neither of two that were glued together', one.trimEnd() + two, []],
  ['no block with text behind its end', `${one.trimEnd()} end\n${two}`, ['CN=two']],
  ['no negative serial number', make({ name: 'odd', serial: -1n }).pem + two, ['CN=two']],
  [
    'no key on a curve that Go does not know',
    make({ name: 'odd', keys: ecKeys('brainpoolP256r1') }).pem + two,
    ['CN=two'],
  ],
])('Go takes %s', (_, text, subjects) => {
  expect(certificatesOf(text).map((certificate) => subjectOf(certificate))).toEqual(subjects);
});
