import { expect, test } from 'vitest';

import {
  forwarderOf,
  ignoredServers,
  upstreamsInContainer,
} from '../../../src/go/dns/further-servers.ts';

test.each([
  [['127.0.0.53'], 'systemd-resolved'],
  [['127.0.0.11'], "Docker's DNS server"],
  [['127.0.0.53', '127.0.0.54'], 'systemd-resolved'],
  [['127.0.0.53', '10.0.0.2'], undefined],
  [['127.0.0.53', '127.0.0.11'], undefined],
  [['127.0.0.1'], undefined],
  [[], undefined],
])('%j is %s', (servers, name) => {
  expect(forwarderOf(servers)?.name).toBe(name);
});

test.each([
  ['127.0.0.53', 'nameserver 10.0.0.2\nnameserver 10.0.0.2\nnameserver x\n', ['10.0.0.2']],
  [
    '127.0.0.11',
    'nameserver 127.0.0.11\n# ExtServers: [host(10.0.0.2) 10.0.0.3]\n',
    ['10.0.0.2', '10.0.0.3'],
  ],
  [
    '127.0.0.11',
    'nameserver 127.0.0.11\n# ExtServers: [10.0.0.2 host(fd00::2)]\n',
    ['10.0.0.2', 'fd00::2'],
  ],
  ['127.0.0.11', 'nameserver 127.0.0.11\n', []],
])('behind %s, %j names %j', (server, text, upstreams) => {
  expect(forwarderOf([server])?.upstreamsOf(text)).toEqual(upstreams);
});

const OF_HOST = 'nameserver 127.0.0.53\nnameserver 10.0.0.9\n';

test.each([
  [
    'those that it names, without those that are asked from the host',
    '127.0.0.11',
    'nameserver 127.0.0.11\n# ExtServers: [host(10.0.0.2) 10.0.0.3 127.0.0.1]\n',
    ['10.0.0.3'],
  ],
  ['none if it names none of these', '127.0.0.11', '# ExtServers: [host(127.0.0.53)]\n', []],
  ['those of the host if it does not say', '127.0.0.11', 'nameserver 127.0.0.11\n', ['10.0.0.9']],
  ['none of another resolver', '127.0.0.53', 'nameserver 127.0.0.53\n', []],
])('from the network of a container Docker asks %s', (_what, server, text, upstreams) => {
  expect(upstreamsInContainer([server], text, OF_HOST)).toEqual(upstreams);
});

test('servers behind the third line are never asked', () => {
  const text = [1, 2, 3, 4, 5].map((n) => `nameserver 10.0.0.${n}\n`).join('');
  expect(ignoredServers(text)).toEqual(['10.0.0.4', '10.0.0.5']);
  expect(ignoredServers('nameserver 10.0.0.1\n')).toEqual([]);
});
