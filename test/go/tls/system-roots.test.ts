import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { TrustSource } from '../../../src/core/target.ts';
import { subjectOf } from '../../../src/go/tls/certificate-text.ts';
import { readSystemRoots, systemRootPaths } from '../../../src/go/tls/system-roots.ts';
import { TrustStore } from '../../../src/go/tls/trust.ts';
import { make } from '../../support/certificates.ts';
import type { TrustFolder } from '../../support/probe-tls.ts';
import { BUNDLE, CERTS, trustFolder } from '../../support/probe-tls.ts';

const DEBIAN_FOLDER = '/etc/ssl/certs';
const FEDORA_BUNDLE = '/etc/pki/tls/certs/ca-bundle.crt';
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => make({ name }).pem) as [
  string,
  string,
  string,
  string,
];

async function rootsOf(folder: TrustFolder, over: Partial<TrustSource> = {}) {
  const source = { certsDirectory: CERTS, ...over };
  const { anchors } = await new TrustStore().load(source, 'gitlab.test', folder.paths);
  return anchors.map((anchor) => subjectOf(anchor).replace('CN=', '')).sort();
}

async function link(folder: TrustFolder, path: string, target: string): Promise<void> {
  const place = join(folder.paths.rootfs, path);
  await mkdir(dirname(place), { recursive: true });
  await symlink(target, place);
}

describe('of the bundle files the first readable one counts', () => {
  test.each<readonly [string, Readonly<Record<string, string>>, readonly string[]]>([
    ['Debian’s before SUSE’s', { [BUNDLE]: a, '/etc/ssl/ca-bundle.pem': b }, ['a']],
    ['SUSE’s before Alpine’s', { '/etc/ssl/ca-bundle.pem': a, '/etc/ssl/cert.pem': b }, ['a']],
    ['the last of the list', { '/etc/ssl/cert.pem': a }, ['a']],
    ['also one that holds nothing', { [BUNDLE]: '', '/etc/ssl/ca-bundle.pem': b }, []],
    ['not a folder in its place', { [`${BUNDLE}/in`]: a, '/etc/ssl/ca-bundle.pem': b }, ['b']],
    ['none at all', {}, []],
  ])('%s', async (_, files, roots) => {
    await using folder = await trustFolder(files);
    expect(await rootsOf(folder)).toEqual(roots);
  });
});

describe('every file of the folders counts beside the bundle', () => {
  test('of both folders, with any name', async () => {
    await using folder = await trustFolder({
      [BUNDLE]: a,
      [`${DEBIAN_FOLDER}/dropped`]: b,
      [FEDORA_BUNDLE]: c,
      '/etc/ssl/elsewhere.pem': d,
    });
    expect(await rootsOf(folder)).toEqual(['a', 'b', 'c']);
  });

  test('but no folder within, and no file without certificates', async () => {
    const files = { [`${DEBIAN_FOLDER}/more/b.pem`]: b, [`${DEBIAN_FOLDER}/README`]: 'read me' };
    await using folder = await trustFolder({ ...files, [`${DEBIAN_FOLDER}/a.pem`]: a });
    expect(await rootsOf(folder)).toEqual(['a']);
  });

  test('a certificate in several files is one anchor', async () => {
    await using folder = await trustFolder({ [BUNDLE]: a + b, [`${DEBIAN_FOLDER}/a.pem`]: a });
    expect(await rootsOf(folder)).toEqual(['a', 'b']);
  });

  test('a link within the folder is not read, one to elsewhere is', async () => {
    await using folder = await trustFolder({ [`${DEBIAN_FOLDER}/a.pem`]: a, '/srv/b.pem': b });
    await link(folder, `${DEBIAN_FOLDER}/5ed36f99.0`, 'a.pem');
    await link(folder, `${DEBIAN_FOLDER}/b.pem`, '../../../srv/b.pem');
    await link(folder, `${DEBIAN_FOLDER}/dangling.pem`, '/nowhere/at/all.pem');
    const texts = await readSystemRoots({ certsDirectory: CERTS }, folder.paths);
    expect([...texts].sort()).toEqual([a, b].sort());
  });
});

describe('SSL_CERT_FILE and SSL_CERT_DIR replace one list each', () => {
  const files = {
    [BUNDLE]: a,
    [`${DEBIAN_FOLDER}/b.pem`]: b,
    '/srv/bundle.pem': c,
    '/srv/one/d.pem': d,
  };
  test.each<readonly [string, Partial<TrustSource>, readonly string[]]>([
    ['neither', {}, ['a', 'b']],
    // The bundle lies in the folder, and so counts as one of its files.
    ['the file only', { systemFile: '/srv/bundle.pem' }, ['a', 'b', 'c']],
    ['the folder only', { systemDirectories: ['/srv/one'] }, ['a', 'd']],
    ['both', { systemFile: '/srv/bundle.pem', systemDirectories: ['/srv/one'] }, ['c', 'd']],
    ['several folders', { systemDirectories: ['/srv/one', DEBIAN_FOLDER] }, ['a', 'b', 'd']],
    [
      'a file that is not there',
      { systemFile: '/srv/none', systemDirectories: ['/srv/one'] },
      ['d'],
    ],
    ['places that are not there', { systemFile: '/srv/none', systemDirectories: ['/none'] }, []],
  ])('%s', async (_, over, roots) => {
    await using folder = await trustFolder(files);
    expect(await rootsOf(folder, over)).toEqual(roots);
  });
});

test('the places are those of Go, in its order', () => {
  expect(systemRootPaths({ certsDirectory: CERTS })).toEqual({
    files: [
      BUNDLE,
      FEDORA_BUNDLE,
      '/etc/ssl/ca-bundle.pem',
      '/etc/pki/tls/cacert.pem',
      '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
      '/etc/ssl/cert.pem',
    ],
    directories: [DEBIAN_FOLDER, '/etc/pki/tls/certs'],
  });
});
