/** Paths that exist and are bad, made with the kernel's own means between two hosts. Needs root. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import type { Network } from '../support/network-namespace.ts';
import { createNetwork } from '../support/network-namespace.ts';
import { serveTls, walkTo } from './quality-bodies.ts';

const BODIES = import.meta.resolve('./quality-bodies.ts');
const GITLAB = '10.200.0.2';
let network: Network;
let root: string;

beforeAll(async () => {
  network = await createNetwork();
  const script = `const { ${serveTls.name} } = await import('${BODIES}'); await ${serveTls.name}('${GITLAB}');`;
  const args = ['--input-type=module', '--eval', script];
  const server = await network.gitlab.start(process.execPath, ...args);
  root = server.firstOutput;
});
afterEach(async () => {
  await network.gitlab.unfilter();
  await network.runner.unfilter();
});
afterAll(async () => await network[Symbol.asyncDispose]());

const walk = async (addresses: readonly string[] = [GITLAB], uid = 0) =>
  await network.runner.run(BODIES, walkTo, [addresses, root, uid]);

test('a good path passes, and nothing beside it is tried', async () => {
  expect(await walk()).toMatchObject({
    connect: { status: 'pass', measures: { failed_addresses: 0 } },
    tls: { status: 'pass' },
    'alternate-path': { status: 'pass', measures: { tried: 0 } },
    firewall: { status: 'pass' },
  });
});

describe('large packets vanish', () => {
  test('the handshake stays silent, and passes with small segments', async () => {
    // Without it the kernel hands larger packets to the wire than the wire would carry.
    await network.gitlab.exec('ethtool', '-K', 'lab', 'tso', 'off', 'gso', 'off');
    await network.gitlab.exec('nft', 'add table inet mtu');
    await network.gitlab.exec(
      'nft',
      'add chain inet mtu out { type filter hook output priority 0; }',
    );
    await network.gitlab.exec('nft', 'add rule inet mtu out tcp sport 443 meta length > 900 drop');

    expect(await walk()).toMatchObject({
      connect: { status: 'pass' },
      tls: { status: 'fail', reason: 'handshake-blocked' },
      'alternate-path': { status: 'warn', reason: 'small-segments-work' },
    });
  });

  test('on the path to GitLab too', async () => {
    await network.gitlab.filter('tcp dport 443 meta length > 900 drop');

    expect(await walk()).toMatchObject({
      tls: { status: 'fail', reason: 'handshake-blocked' },
      'alternate-path': { status: 'warn', reason: 'small-segments-work' },
    });
  });

  test('a filter that takes no handshake at all is not a matter of size', async () => {
    await network.gitlab.filter('tcp dport 443 meta length > 100 reject with tcp reset');

    expect(await walk()).toMatchObject({
      tls: { status: 'fail', reason: 'handshake-blocked' },
      'alternate-path': { status: 'pass', measures: { tried: 2 } },
    });
  });
});

test('every second packet that is lost is a bad link, not a blocked one', async () => {
  // Every second connection request is dropped, by count and not by chance, so that the test is sure.
  await network.gitlab.filter('tcp dport 443 tcp flags syn numgen inc mod 2 < 1 drop');

  // On a busy machine a request that was repeated after a second may be seen to be answered in time.
  const nearHalf = expect.closeTo(0.5, 0);
  expect(await walk()).toMatchObject({
    connect: { status: 'warn', reason: 'packet-loss', measures: { lost_ratio: nearHalf } },
    tls: { status: 'pass' },
  });
});

describe('this host’s own firewall', () => {
  test('is named when it drops what the runner sends', async () => {
    await network.runner.exec('nft', 'add table inet host');
    await network.runner.exec(
      'nft',
      'add chain inet host out { type filter hook output priority 0; }',
    );
    await network.runner.exec('nft', 'add rule inet host out tcp dport 443 drop');

    expect(await walk()).toMatchObject({
      connect: { status: 'fail', reason: 'timeout' },
      firewall: {
        status: 'warn',
        reason: 'rule-blocks',
        facts: { verdict: 'drop', address: GITLAB, port: 443, by_user: false },
      },
    });
  });

  test('is not the cause of a drop at the other end', async () => {
    await network.gitlab.filter('tcp dport 443 drop');

    expect(await walk()).toMatchObject({
      connect: { status: 'fail', reason: 'timeout' },
      firewall: { status: 'pass' },
    });
  });

  test('says that it cannot be read by a user without the right', async () => {
    await network.gitlab.filter('tcp dport 443 drop');
    const options = {
      prefix: ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin', '--'],
    };

    expect(await network.runner.run(BODIES, walkTo, [[GITLAB], root, 0], options)).toMatchObject({
      firewall: { status: 'unknown', reason: 'not-allowed' },
    });
  });
});

test('an address that the runner would not need is dialled too, and named when it is dead', async () => {
  expect(await walk([GITLAB, 'fd00:200::2'])).toMatchObject({
    connect: {
      status: 'warn',
      reason: 'some-addresses-failed',
      facts: {
        address: GITLAB,
        attempts: expect.stringMatching(/10\.200\.0\.2 ok .*fd00:200::2 ECONNREFUSED/),
      },
    },
    tls: { status: 'pass' },
  });
});
