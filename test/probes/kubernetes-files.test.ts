/** The files with which the kubernetes executor asks its API server. */
import { describe, expect, test } from 'vitest';

import { Secret } from '../../src/core/secret.ts';
import { make } from '../support/certificates.ts';
import { FILES, findingOf, reasonOf, ROOT, TOKEN } from '../support/kubernetes-look.ts';

describe('files of an entry', () => {
  const client = make({ name: 'runner' }, ROOT);
  const named = {
    tokenFile: undefined as never,
    caFile: '/ca.pem',
    certFile: '/cert.pem',
    keyFile: '/key.pem',
  };
  const files = { '/ca.pem': ROOT.pem, '/cert.pem': client.pem, '/key.pem': client.keyPem };
  const says = {};

  test('that fit are used, also where a key has more around it', async () => {
    const around = { ...files, '/key.pem': `Bag Attributes\n${client.keyPem}` };

    expect(await reasonOf({ backend: named, files, says })).toBe('pass');
    expect(await reasonOf({ backend: named, files: around, says })).toBe('pass');
  });

  test.each([
    ['ca_file', '/ca.pem', 'nothing', 'no certificate in /ca.pem'],
    ['cert_file with key_file', '/cert.pem', 'nothing', 'no certificate in /cert.pem'],
    ['cert_file with key_file', '/key.pem', 'nothing', 'no key in /key.pem'],
    [
      'cert_file with key_file',
      '/key.pem',
      make({ name: 'other' }).keyPem,
      '/key.pem does not match /cert.pem',
    ],
  ])('%s that cannot be used is named: %s', async (setting, path, text, because) => {
    const given = { backend: named, files: { ...files, [path]: text }, says };

    expect(await findingOf(given)).toMatchObject({
      status: 'fail',
      reason: 'file-unusable',
      facts: { setting, because },
    });
  });

  test.each([
    ['ca_file', '/ca.pem'],
    ['cert_file', '/cert.pem'],
    ['key_file', '/key.pem'],
  ])('%s that is not there is named', async (setting, path) => {
    const rest = Object.fromEntries(Object.entries(files).filter(([name]) => name !== path));

    expect(await findingOf({ backend: named, files: rest, says })).toMatchObject({
      status: 'fail',
      reason: 'file-unusable',
      facts: { setting, because: `there is no ${path}` },
    });
  });

  test('an intermediate alone is enough as authority, as in Go', async () => {
    const middle = make({ name: 'intermediate', isAuthority: true }, ROOT);
    const leaf = make({ name: 'api', ip: ['127.0.0.1'], isAuthority: false }, middle);
    const tls = { cert: leaf.pem, key: leaf.keyPem };

    expect(await reasonOf({ tls, files: { ...FILES, '/account/ca.crt': middle.pem } })).toBe(
      'pass',
    );
    expect(await reasonOf({ tls })).toBe('fail ca-wrong');
  });

  test.each([
    ['SSL_CERT_FILE', { systemFile: '/own/bundle.pem' }],
    ['SSL_CERT_DIR', { systemDirectories: ['/own'] }],
  ])('without an authority, %s of the runner counts', async (_what, system) => {
    const trusted = { '/account/token': TOKEN, '/own/bundle.pem': ROOT.pem };

    expect(await reasonOf({ files: trusted, backend: { system } })).toBe('pass');
    expect(await reasonOf({ files: trusted })).toBe('fail ca-wrong');
  });

  test.each([
    ['an empty ca_file', '', { tokenFile: undefined as never, token: new Secret(TOKEN) }],
    ['an authority of the pod without a certificate', 'nothing', {}],
  ])('%s is the same as none', async (_what, text, backend) => {
    const bundle = { '/etc/ssl/certs/ca-certificates.crt': ROOT.pem };

    expect(
      await reasonOf({ backend, files: { ...FILES, ...bundle, '/account/ca.crt': text } }),
    ).toBe('pass');
  });
});
