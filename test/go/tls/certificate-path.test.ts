import { X509Certificate } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import { findPaths } from '../../../src/go/tls/certificate-path.ts';
import { subjectOf } from '../../../src/go/tls/certificate-text.ts';
import type { MadeCertificate } from '../../support/certificates.ts';
import { ecKeys, make, makeRoot } from '../../support/certificates.ts';

function read({ pem }: MadeCertificate): X509Certificate {
  return new X509Certificate(pem);
}

function find(
  leaf: MadeCertificate,
  others: readonly MadeCertificate[],
  anchors: readonly MadeCertificate[],
) {
  const { paths, rejections } = findPaths(read(leaf), others.map(read), anchors.map(read));
  return {
    paths: paths.map((path) => path.map((member) => subjectOf(member).replace('CN=', ''))),
    rejections: rejections.map(
      ({ parent, why }) => `${subjectOf(parent).replace('CN=', '')}: ${why}`,
    ),
  };
}

const root = makeRoot({ name: 'root' });
const below = make({ name: 'below', isAuthority: true }, root);
const leaf = make({ name: 'leaf' }, below);

describe('every certificate of the pool ends a path', () => {
  test('the root, the intermediate, or both, which gives two paths', () => {
    expect(find(leaf, [below], [root]).paths).toEqual([['leaf', 'below', 'root']]);
    expect(find(leaf, [below], [below]).paths).toEqual([['leaf', 'below']]);
    expect(find(leaf, [below], [root, below]).paths).toEqual([
      ['leaf', 'below'],
      ['leaf', 'below', 'root'],
    ]);
  });

  test('the leaf itself, and then the search ends', () => {
    expect(find(leaf, [below], [leaf, root]).paths).toEqual([['leaf']]);
  });
});

test('without an anchor there is no path, and nothing to hold against anybody', () => {
  expect(find(leaf, [below, root], [])).toEqual({ paths: [], rejections: [] });
});

test('authorities that signed each other do not go round in circles', () => {
  const [one, other] = [ecKeys(), ecKeys()];
  const oneRoot = makeRoot({ name: 'one', keys: one });
  const otherRoot = makeRoot({ name: 'other', keys: other });
  const oneByOther = make({ name: 'one', keys: one, isAuthority: true }, otherRoot);
  const otherByOne = make({ name: 'other', keys: other, isAuthority: true }, oneRoot);
  const under = make({ name: 'leaf' }, oneRoot);
  expect(find(under, [oneByOther, otherByOne], [oneRoot, otherRoot]).paths).toEqual([
    ['leaf', 'one'],
    ['leaf', 'one', 'other'],
  ]);
});

test('names in another form of the same text are other names', () => {
  const loud = makeRoot({ name: 'ROOT', keys: root.keys });
  expect(find(below, [], [loud])).toEqual({ paths: [], rejections: [] });
});

describe('who is named as the issuer and is none is kept, with the reason', () => {
  test.each<readonly [string, MadeCertificate]>([
    ['no-authority', make({ name: 'root', keys: root.keys })],
    ['no-authority', makeRoot({ name: 'root', keys: root.keys, isAuthority: false })],
    ['key-usage', makeRoot({ name: 'root', keys: root.keys, keyUsage: 'sign-data' })],
    ['other-key', makeRoot({ name: 'root' })],
  ])('%s', (why, anchor) => {
    expect(find(below, [], [anchor])).toEqual({ paths: [], rejections: [`root: ${why}`] });
  });

  test('weak-signature', () => {
    const weak = make({ name: 'leaf', digest: 'sha1' }, root);
    expect(find(weak, [], [root])).toEqual({ paths: [], rejections: ['root: weak-signature'] });
  });
});

test('a chain made to keep us busy ends after a hundred signatures', () => {
  const keys = ecKeys();
  const crowd = Array.from({ length: 30 }, (_, index) =>
    make(
      { name: 'crowd', keys, isAuthority: true, dns: [`${index}.test`] },
      makeRoot({ name: 'crowd', keys }),
    ),
  );
  const [first] = crowd;
  if (first === undefined) throw new Error('there is no crowd');
  const under = make({ name: 'leaf' }, first);
  const unrelated = makeRoot({ name: 'crowd' });
  const { paths, rejections } = find(under, crowd, [unrelated]);
  expect(paths).toEqual([]);
  expect(rejections.length).toBeGreaterThan(0);
  expect(rejections.length).toBeLessThanOrEqual(100);
});
