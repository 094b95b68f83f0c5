/** Reasons of the connect link that need a network of their own. */
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { Network } from '../support/network-namespace.ts';
import { createNetwork } from '../support/network-namespace.ts';
import { dial, dialWithoutFile, dialWithoutPort } from './connect-bodies.ts';

const BODIES = import.meta.resolve('./connect-bodies.ts');
const ANSWERED_AT_ONCE = /EHOSTUNREACH after 0\.\d\d s$/;
let network: Network;

beforeAll(async () => {
  network = await createNetwork();
});

afterAll(async () => {
  await network[Symbol.asyncDispose]();
});

test('the two hosts of the network reach each other over both families', async () => {
  const { runner, gitlab } = network;

  expect(await runner.run(BODIES, dial, [gitlab.address])).toMatchObject({ reason: 'refused' });
  expect(await gitlab.exec('ip', '-6', 'route', 'get', runner.address6)).toContain('dev lab');
});

test.each(['icmpx admin-prohibited', 'icmpx host-unreachable'])(
  'a firewall that rejects with %s prohibits the connection',
  async (kind) => {
    const { runner, gitlab } = network;
    await gitlab.filter(`tcp dport 443 reject with ${kind}`);

    const finding = await runner.run(BODIES, dial, [gitlab.address]);
    await gitlab.unfilter();

    expect(finding).toMatchObject({
      status: 'fail',
      reason: 'prohibited',
      detail: expect.stringMatching(ANSWERED_AT_ONCE),
    });
  },
);

test('a local firewall that rejects outgoing packets prohibits the connection', async () => {
  const { runner, gitlab } = network;
  await runner.exec('nft', 'add table inet out');
  await runner.exec('nft', 'add chain inet out o { type filter hook output priority 0; }');
  await runner.exec('nft', 'add rule inet out o tcp dport 443 reject with icmpx admin-prohibited');

  const finding = await runner.run(BODIES, dial, [gitlab.address]);
  await runner.unfilter();

  expect(finding).toMatchObject({ status: 'fail', reason: 'prohibited' });
});

test('a firewall that drops lets the connection time out', async () => {
  const { runner, gitlab } = network;
  await gitlab.filter('tcp dport 443 drop');

  const finding = await runner.run(BODIES, dial, [gitlab.address]);
  await gitlab.unfilter();

  expect(finding).toMatchObject({ status: 'fail', reason: 'timeout' });
});

test('an address without a host is an unreachable host, not a firewall', async () => {
  const finding = await network.runner.run(BODIES, dial, ['10.200.0.77']);

  expect(finding).toMatchObject({
    status: 'fail',
    reason: 'host-unreachable',
    detail: expect.stringMatching(/10\.200\.0\.77 EHOSTUNREACH after [1-4]\.\d\d s$/),
  });
});

test('an address outside every route is no route', async () => {
  const finding = await network.runner.run(BODIES, dial, ['192.0.2.1']);

  expect(finding).toMatchObject({ status: 'fail', reason: 'no-route' });
});

test('a link that is down is no route', async () => {
  await using own = await createNetwork();
  await own.runner.exec('ip', 'link', 'set', 'lab', 'down');

  const finding = await own.runner.run(BODIES, dial, [own.gitlab.address]);

  expect(finding).toMatchObject({ status: 'fail', reason: 'no-route' });
});

test('a range of local ports that is used up is no local port', async () => {
  const { runner, gitlab } = network;
  await runner.sysctl('net.ipv4.ip_local_port_range', '40000 40000');

  const finding = await runner.run(BODIES, dialWithoutPort, [gitlab.address, 40_000]);
  await runner.sysctl('net.ipv4.ip_local_port_range', '32768 60999');

  expect(finding).toMatchObject({ status: 'fail', reason: 'no-local-port' });
});

test('a process that may open no more files reports that, and names no other fault', async () => {
  const { runner, gitlab } = network;
  const prefix = ['prlimit', '--nofile=64', '--'];

  const finding = await runner.run(BODIES, dialWithoutFile, [gitlab.address], { prefix });

  expect(finding).toMatchObject({ status: 'unknown', reason: 'too-many-files' });
});
