/** Which hosts are this host itself. */
import { expect, test } from 'vitest';

import { isLoopbackAddress, isLoopbackHost, withoutBrackets } from '../../src/core/address.ts';

test.each(['127.0.0.1', '127.9.8.7', '::1', '0:0:0:0:0:0:0:1'])(
  '%s is a loopback address',
  (text) => {
    expect(isLoopbackAddress(text)).toBe(true);
    expect(isLoopbackHost(text)).toBe(true);
  },
);

test.each(['localhost', 'gitlab.localhost', '[::1]'])('%s is this host, and no address', (text) => {
  expect(isLoopbackAddress(text)).toBe(false);
  expect(isLoopbackHost(text)).toBe(true);
});

test.each(['127.example.com', 'notlocalhost', '10.0.0.1', '::2', ''])(
  '%s is another host',
  (text) => {
    expect(isLoopbackHost(text)).toBe(false);
  },
);

test('only an address in brackets loses them', () => {
  expect(withoutBrackets('[2001:db8::1]')).toBe('2001:db8::1');
  expect(withoutBrackets('gitlab.example.com')).toBe('gitlab.example.com');
});
