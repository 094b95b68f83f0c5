/** Entries that were meant for this host, and how Go reads them. */
import { describe, expect, test } from 'vitest';

import { nearMissOf } from '../../../src/go/proxy/no-proxy-near-miss.ts';
import { decideProxy } from '../../../src/go/proxy/decision.ts';

const HOST = 'gitlab.corp.example.com';

describe('an entry that was meant for the host', () => {
  test.each([
    ['10.0.0.0/8', '10.0.0.0/8', 'a network matches only a URL that contains an IP address'],
    ['10.1.2.3', '10.1.2.3', 'an address matches only a URL that contains that address'],
    [`localhost;${HOST}`, `localhost;${HOST}`, 'only commas separate entries'],
    [`localhost ${HOST}`, `localhost ${HOST}`, 'only commas separate entries'],
    [`https://${HOST}/`, `https://${HOST}/`, 'an entry is a host, not a URL'],
    [`${HOST}:8443`, `${HOST}:8443`, 'it is for another port'],
    [`.${HOST}`, `.${HOST}`, 'an entry that starts with a dot matches only subdomains'],
    [`*.${HOST}`, `*.${HOST}`, 'an entry that starts with a dot matches only subdomains'],
    ['example.com.', 'example.com.', 'an entry that ends with a dot never matches'],
    ['gitlab', 'gitlab', 'an entry that is only the start of a name does not match'],
    ['gitlab.corp', 'gitlab.corp', 'an entry that is only the start of a name does not match'],
    ['gitlab.*', 'gitlab.*', 'a star works only as `*` alone or in front, as in `*.example.com`'],
    [
      'localhost, 10.0.0.0/8',
      '10.0.0.0/8',
      'a network matches only a URL that contains an IP address',
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

describe('an entry for another host', () => {
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
