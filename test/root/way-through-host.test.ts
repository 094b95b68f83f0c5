/** The way of a container's packets through the host, with real bridges and wires. Needs root. */
import { expect, test } from 'vitest';

import type { Body } from '../support/run-body.ts';
import { ALONE, runBody } from '../support/run-body.ts';
import { nested, settings, throughBridge } from './way-through-host-bodies.ts';

const BODIES = new URL('./way-through-host-bodies.ts', import.meta.url).href;

async function alone<A extends readonly unknown[], R>(body: Body<A, R>, ...args: A): Promise<R> {
  return await runBody(BODIES, body, args, { prefix: ALONE });
}

test('it comes in by the bridge that has the gateway, and leaves by the route of the host', async () => {
  const { out, here, neighbour, own } = await alone(throughBridge);

  const way = { source: '172.30.0.2', subnet: '172.30.0.0/24', bridge: 'br0' };
  expect(out).toMatchObject({ ...way, out: 'up0', endsHere: false });
  expect(here).toMatchObject({ ...way, endsHere: true });
  expect({ neighbour, own }).toEqual({ neighbour: true, own: true });
});

test('a bridge of the same address that it is not wired to is none', async () => {
  expect(await alone(nested)).toBe(true);
});

test('nothing is passed on by the setting of the host, or of one of the two interfaces', async () => {
  const commands = [
    'net.ipv4.ip_forward=1',
    'net.ipv4.ip_forward=0',
    'net.ipv4.ip_forward=1',
    'net.ipv4.conf.br0.forwarding=0',
    'net.ipv4.conf.br0.forwarding=1',
    'net.ipv4.conf.up0.forwarding=0',
    'net.ipv4.ip_forward=0',
    'net.ipv4.conf.br0.forwarding=1',
    'net.ipv4.conf.up0.forwarding=1',
  ];

  expect(await alone(settings, ...commands)).toEqual([
    'open',
    'net.ipv4.ip_forward',
    'open',
    'net.ipv4.conf.br0.forwarding',
    'open',
    'net.ipv4.conf.up0.forwarding',
    'net.ipv4.ip_forward',
    'net.ipv4.ip_forward',
    // That of the interfaces decides.
    'open',
  ]);
});
