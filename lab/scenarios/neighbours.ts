/** The next hop on the local network does not respond: the kernel gives it up after three seconds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import type { Report } from '../../src/report/document.ts';
import { DEAD_ADDRESS } from '../network.ts';
import { whileGood } from '../observe.ts';
import { usualScript } from '../peers/names.ts';
import type { Row } from '../scenario.ts';
import type { World } from '../world.ts';

const NO_PORT = 'o/F/n/s/s/s/s';
const HELD_SECONDS = 15;

const leadsNowhere = ({ names }: World): void =>
  names.answer((name, type, transport) =>
    name === 'gitlab.test' && type === 'A' ? [DEAD_ADDRESS] : usualScript(name, type, transport),
  );

/** So that the kernel waits for the address most of the time. */
async function keepDialling({ network, adopt }: World, address: string): Promise<void> {
  const loop = `for turn in $(seq 3000); do (exec 3<>/dev/tcp/${address}/9) 2>/dev/null; sleep 0.1; done`;
  const [program, ...args] = [...network.prefix('rn'), 'bash', '-c', loop];
  const dialler = spawn(program, args, { stdio: 'ignore' });
  await once(dialler, 'spawn');
  adopt({
    [Symbol.asyncDispose]: async () => {
      const ended = once(dialler, 'exit');
      dialler.kill('SIGKILL');
      await ended;
    },
  });
}

function namesOthers({ causes }: Report): string | undefined {
  const named = causes.map(({ id }) => id).join();
  return named === 'network-host-unreachable' ? undefined : `it names ${named}`;
}

const unreachable = {
  expect: { cause: 'network-host-unreachable', severity: 'critical', chain: NO_PORT },
  runnerLogs: /no route to host/,
  mustNot: ['firewall-reject'],
} as const;

export const neighbourRows: readonly Row[] = [
  {
    id: 'N-05',
    title: 'no host has the address',
    inject: leadsNowhere,
    ...unreachable,
  },
  {
    id: 'N-05b',
    title: 'no host has the address, and another program dials it all the time',
    inject: async (world) => {
      await keepDialling(world, DEAD_ADDRESS);
      leadsNowhere(world);
    },
    ...unreachable,
    holds: async ({ daemon }) => (await whileGood(daemon, namesOthers, HELD_SECONDS)).lacks,
  },
];
