/** Ends of a lookup that need a network of their own. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Finding } from '../../src/core/finding.ts';
import type { Network } from '../support/network-namespace.ts';
import { createNetwork } from '../support/network-namespace.ts';
import { bodyCommand } from '../support/run-body.ts';
import { lookUp, serveTruncated } from './dns-bodies.ts';

const BODIES = import.meta.resolve('./dns-bodies.ts');
let network: Network;

beforeEach(async () => {
  network = await createNetwork();
});

afterEach(async () => {
  await network[Symbol.asyncDispose]();
});

async function lookUpAsRunner(server = network.gitlab.address): Promise<Finding> {
  const conf = `nameserver ${server}\nsearch .\noptions timeout:4 attempts:1`;
  return await network.runner.run(BODIES, lookUp, [conf]);
}

describe('no route to the name server', () => {
  test('without a route', async () => {
    await network.runner.exec('ip', 'route', 'del', '10.200.0.0/24', 'dev', 'lab');

    expect(await lookUpAsRunner()).toMatchObject({
      status: 'fail',
      reason: 'no-route',
      detail: 'lookup of gitlab.test: 10.200.0.2 no-route',
      facts: { address: '10.200.0.2' },
    });
  });

  test('with the link down', async () => {
    await network.runner.exec('ip', 'link', 'set', 'lab', 'down');

    expect(await lookUpAsRunner()).toMatchObject({ status: 'fail', reason: 'no-route' });
  });

  test('over IPv6, with the link down', async () => {
    await network.runner.exec('ip', 'link', 'set', 'lab', 'down');

    expect(await lookUpAsRunner(network.gitlab.address6)).toMatchObject({ reason: 'no-route' });
  });

  test('with the cable out: the route is still there', async () => {
    await network.gitlab.exec('ip', 'link', 'set', 'lab', 'down');

    expect(await lookUpAsRunner()).toMatchObject({
      status: 'fail',
      reason: 'no-route',
      detail: expect.stringMatching(/^lookup of gitlab\.test: 10\.200\.0\.2 \w+; lab is down$/),
    });
  });
});

test('an own firewall that forbids the question', async () => {
  const { runner } = network;
  await runner.exec('nft', 'add table inet out');
  await runner.exec('nft', 'add chain inet out o { type filter hook output priority 0; }');
  await runner.exec('nft', 'add rule inet out o udp dport 53 drop');

  expect(await lookUpAsRunner()).toMatchObject({ status: 'fail', reason: 'prohibited' });
});

describe('a route, and no answer', () => {
  test('nothing listens', async () => {
    expect(await lookUpAsRunner()).toMatchObject({ status: 'fail', reason: 'resolver-down' });
  });

  test('a firewall drops the question', async () => {
    await network.gitlab.filter('udp dport 53 drop');

    expect(await lookUpAsRunner()).toMatchObject({
      reason: 'timeout',
      detail: 'lookup of gitlab.test: 10.200.0.2 timeout',
    });
  });

  test('a firewall rejects the question', async () => {
    await network.gitlab.filter('udp dport 53 reject with icmpx admin-prohibited');

    expect(await lookUpAsRunner()).toMatchObject({
      reason: 'timeout',
      detail: 'lookup of gitlab.test: 10.200.0.2 unreachable',
    });
  });

  test('the server is not there', async () => {
    expect(await lookUpAsRunner('10.200.0.77')).toMatchObject({
      reason: 'timeout',
      detail: expect.stringMatching(
        /^lookup of gitlab\.test: 10\.200\.0\.77 (?:timeout|unreachable)$/,
      ),
    });
  });

  test('the answer does not fit, and TCP is dropped', async () => {
    const { gitlab } = network;
    await gitlab.start(...bodyCommand(BODIES, serveTruncated, [gitlab.address]));
    expect((await lookUpAsRunner()).status).toBe('pass');
    await gitlab.filter('tcp dport 53 drop');

    expect(await lookUpAsRunner()).toMatchObject({
      reason: 'timeout',
      detail: 'lookup of gitlab.test: 10.200.0.2 timeout',
    });
  });
});
