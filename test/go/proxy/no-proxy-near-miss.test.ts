/** Entries that somebody meant for this host, and what Go makes of them. */
import { describe, expect, test } from 'vitest';

import { nearMissOf } from '../../../src/go/proxy/no-proxy-near-miss.ts';
import { decideProxy } from '../../../src/go/proxy/decision.ts';

const HOST = 'gitlab.corp.example.com';

describe('an entry that was meant for the host', () => {
  test.each([
    ['10.0.0.0/8', '10.0.0.0/8', 'a network matches only a URL that is written with an address'],
    ['10.1.2.3', '10.1.2.3', 'an address matches only a URL that is written with that address'],
    [`localhost;${HOST}`, `localhost;${HOST}`, 'only commas separate entries'],
    [`localhost ${HOST}`, `localhost ${HOST}`, 'only commas separate entries'],
    [`https://${HOST}/`, `https://${HOST}/`, 'an entry is a host, not a URL'],
    [`${HOST}:8443`, `${HOST}:8443`, 'it is for another port'],
    [`.${HOST}`, `.${HOST}`, 'a leading dot matches only what is below that name'],
    [`*.${HOST}`, `*.${HOST}`, 'a leading dot matches only what is below that name'],
    ['example.com.', 'example.com.', 'an entry with a dot at its end never matches'],
    ['gitlab', 'gitlab', 'the beginning of a name is not enough'],
    ['gitlab.corp', 'gitlab.corp', 'the beginning of a name is not enough'],
    [
      'gitlab.*',
      'gitlab.*',
      'a star is known only as `*` alone or in front, as in `*.example.com`',
    ],
    [
      'localhost, 10.0.0.0/8',
      '10.0.0.0/8',
      'a network matches only a URL that is written with an address',
    ],
  ])('%s does not match', (list, entry, because) => {
    const decision = decideProxy(new URL(`https://${HOST}/`), {
      HTTPS_PROXY: 'http://proxy:3128',
      NO_PROXY: list,
    });

    expect(nearMissOf(list, HOST)).toEqual({ entry, because });
    expect(decision).toMatchObject({ kind: 'proxy', nearMiss: { entry, because } });
  });
});

describe('an entry for somebody else', () => {
  test.each([
    '',
    ' , ',
    'localhost',
    'other.example.org',
    'gitlabx.corp.example.com',
    'mygitlab',
    '*.other.net',
  ])('%j is none', (list) => {
    expect(nearMissOf(list, HOST)).toBeUndefined();
  });

  test('a network is meant for a URL that is written with an address, and matches or not by itself', () => {
    expect(nearMissOf('192.168.0.0/16', '10.1.2.3')).toBeUndefined();
  });
});
