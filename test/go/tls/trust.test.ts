import { chmod, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { TrustSource } from '../../../src/core/target.ts';
import { subjectOf } from '../../../src/go/tls/certificate-text.ts';
import type { Trust } from '../../../src/go/tls/trust.ts';
import { certsFile, TrustStore } from '../../../src/go/tls/trust.ts';
import { make } from '../../support/certificates.ts';
import type { TrustFolder } from '../../support/probe-tls.ts';
import { BUNDLE, CERTS, HOST, trustFolder } from '../../support/probe-tls.ts';

const system = make({ name: 'system' });
const own = make({ name: 'own' });
const other = make({ name: 'other' });
const client = make({ name: 'client' });
const lockedKey = client.keys.privateKey.export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: 'secret',
});
const OWN_FILE = `${CERTS}/${HOST}.crt`;
const CLIENT_FILE = `${CERTS}/${HOST}.auth.crt`;
const KEY_FILE = `${CERTS}/${HOST}.auth.key`;
const DROPPED = '/etc/ssl/certs/dropped.pem';

function namesOf({ anchors }: Trust): readonly string[] {
  return anchors.map((anchor) => subjectOf(anchor));
}

/** Loads again and again from one store. */
function loader(folder: TrustFolder, over: Partial<TrustSource> = {}) {
  const store = new TrustStore();
  return async (host = HOST) =>
    await store.load({ certsDirectory: CERTS, ...over }, host, folder.paths);
}

describe('the CA file', () => {
  test.each<readonly [string, Partial<TrustSource>, Record<string, string>, string, string[]]>([
    ['none', {}, {}, 'none', ['CN=system']],
    ['of the certs folder', {}, { [OWN_FILE]: own.pem }, 'used', ['CN=system', 'CN=own']],
    [
      'that holds several',
      {},
      { [OWN_FILE]: own.pem + other.pem },
      'used',
      ['CN=system', 'CN=own', 'CN=other'],
    ],
    [
      'of config.toml',
      { caFile: '/ca.pem' },
      { '/ca.pem': own.pem, [OWN_FILE]: other.pem },
      'used',
      ['CN=system', 'CN=own'],
    ],
    [
      'of config.toml, not there',
      { caFile: '/ca.pem' },
      { [OWN_FILE]: other.pem },
      'missing',
      ['CN=system'],
    ],
    ['below a file', { caFile: '/ca.pem/in' }, { '/ca.pem': '' }, 'missing', ['CN=system']],
    ['that is a folder', { caFile: '/ca' }, { '/ca/in.pem': own.pem }, 'unreadable', ['CN=system']],
    ['without a certificate', {}, { [OWN_FILE]: 'nothing' }, 'invalid', ['CN=system']],
    ['of another host', {}, { [`${CERTS}/other.test.crt`]: own.pem }, 'none', ['CN=system']],
  ])('%s', async (_, over, files, state, anchors) => {
    await using folder = await trustFolder({ [BUNDLE]: system.pem, ...files });
    const trust = await loader(folder, over)();
    expect({ state: trust.caFile.state, anchors: namesOf(trust) }).toEqual({ state, anchors });
    expect(trust.caFile).toMatchObject({
      path: over.caFile ?? OWN_FILE,
      isConfigured: over.caFile !== undefined,
    });
  });

  test.each([
    ['gitlab.test', 'gitlab.test.crt'],
    ['gitlab.test.', 'gitlab.test..crt'],
    ['192.0.2.1', '192.0.2.1.crt'],
    ['2001:db8::1', '[2001.crt'],
  ])('for the host %s is called %s', (host, name) => {
    expect(certsFile({ certsDirectory: '/certs' }, host, 'crt')).toBe(`/certs/${name}`);
  });
});

function problem(text: string) {
  return { problem: expect.stringContaining(text) };
}

describe('the client pair', () => {
  test.each<readonly [string, Record<string, string>, unknown]>([
    ['none', {}, undefined],
    ['a certificate without its key', { [CLIENT_FILE]: client.pem }, undefined],
    ['a key without its certificate', { [KEY_FILE]: client.keyPem }, undefined],
    [
      'both',
      { [CLIENT_FILE]: client.pem, [KEY_FILE]: client.keyPem },
      { certificate: expect.anything() },
    ],
    [
      'that does not fit',
      { [CLIENT_FILE]: client.pem, [KEY_FILE]: own.keyPem },
      problem(`${KEY_FILE} does not match ${CLIENT_FILE}`),
    ],
    [
      'no certificate in the file',
      { [CLIENT_FILE]: 'x', [KEY_FILE]: client.keyPem },
      problem(`no certificate in ${CLIENT_FILE}`),
    ],
    [
      'no key in the file',
      { [CLIENT_FILE]: client.pem, [KEY_FILE]: 'x' },
      problem(`no key in ${KEY_FILE}`),
    ],
    [
      'a key behind a passphrase',
      { [CLIENT_FILE]: client.pem, [KEY_FILE]: lockedKey },
      problem(`no key in ${KEY_FILE}`),
    ],
    [
      'a certificate with odd text around',
      {
        [CLIENT_FILE]: `# mine\n${client.pem.replaceAll('\n', '\n\n')}`,
        [KEY_FILE]: client.keyPem,
      },
      { certificate: expect.anything() },
    ],
    [
      'a folder for a key',
      { [CLIENT_FILE]: client.pem, [`${KEY_FILE}/in`]: 'x' },
      problem('cannot be used: EISDIR'),
    ],
  ])('%s', async (_, files, expected) => {
    await using folder = await trustFolder(files);
    expect((await loader(folder)()).client).toEqual(expected);
  });

  test('is named by config.toml, and then not read from the certs folder', async () => {
    const files = { '/c.pem': client.pem, '/k.pem': client.keyPem, [CLIENT_FILE]: 'nothing' };
    await using folder = await trustFolder(files);
    const trust = await loader(folder, { certFile: '/c.pem', keyFile: '/k.pem' })();
    expect(trust.client).toEqual({ certificate: expect.anything() });
  });
});

describe('trust is built again only when a file has changed', () => {
  const files = {
    [BUNDLE]: system.pem,
    [DROPPED]: other.pem,
    [OWN_FILE]: own.pem,
    [CLIENT_FILE]: client.pem,
    [KEY_FILE]: client.keyPem,
  };

  test('not when nothing has', async () => {
    await using folder = await trustFolder(files);
    const load = loader(folder);
    expect(await load()).toBe(await load());
  });

  test('the system’s roots are read once for all hosts and CA files', async () => {
    await using folder = await trustFolder(files);
    const load = loader(folder);
    const first = await load();
    await folder.write(OWN_FILE, other.pem);
    const [again, elsewhere] = [await load(), await load('other.test')];
    expect(namesOf(again)).toEqual(['CN=system', 'CN=other', 'CN=other']);
    expect(again.anchors[0]).toBe(first.anchors[0]);
    expect(elsewhere.anchors[0]).toBe(first.anchors[0]);
  });

  test.each<
    readonly [string, (folder: TrustFolder, at: (path: string) => string) => Promise<void>]
  >([
    ['the bundle is written', async (folder) => await folder.write(BUNDLE, own.pem)],
    [
      'a file comes into a folder',
      async (folder) => await folder.write('/etc/pki/tls/certs/x', own.pem),
    ],
    ['a file in a folder is overwritten', async (folder) => await folder.write(DROPPED, own.pem)],
    ['a file goes from a folder', async (_, at) => await rm(at(DROPPED))],
    ['a better bundle goes', async (_, at) => await rm(at(BUNDLE))],
    ['the CA file is written', async (folder) => await folder.write(OWN_FILE, other.pem)],
    ['the CA file goes', async (_, at) => await rm(at(OWN_FILE))],
    ['the CA file becomes readable', async (_, at) => await chmod(at(OWN_FILE), 0o600)],
    [
      'the client’s certificate is written',
      async (folder) => await folder.write(CLIENT_FILE, own.pem),
    ],
    ['the client’s key goes', async (_, at) => await rm(at(KEY_FILE))],
  ])('when %s', async (_, change) => {
    await using folder = await trustFolder(files);
    const load = loader(folder);
    const before = await load();
    await change(folder, (path) => join(folder.paths.rootfs, path));
    const after = await load();
    expect(after).not.toBe(before);
    expect(await load()).toBe(after);
  });

  test('when a file of the same size and age takes its place', async () => {
    await using folder = await trustFolder(files);
    const at = join(folder.paths.rootfs, OWN_FILE);
    const load = loader(folder);
    const age = new Date('2026-01-01');
    await utimes(at, age, age);
    await load();
    await folder.write(
      OWN_FILE,
      own.pem.replace(/^.*\n/, (line) => line.toLowerCase()),
    );
    await utimes(at, age, age);
    expect((await load()).caFile.state).toBe('invalid');
  });
});
