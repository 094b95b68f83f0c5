/** What runs inside the namespace: the connect probe, beside what it needs there. */
import { closeSync, openSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';

import type { Finding } from '../../src/core/finding.ts';
import type { EndpointTarget } from '../../src/core/target.ts';
import { connect } from '../../src/probes/connect.ts';
import { ENDPOINT } from '../support/probes.ts';
import { runProbe } from '../support/run-probe.ts';

function targetAt(address: string): EndpointTarget {
  return { ...ENDPOINT, url: new URL(`https://${address}/`) };
}

/** Dials port 443 of an address. */
export async function dial(address: string): Promise<Finding> {
  const walk = { addresses: [{ address, family: 4 }] } as const;
  return await runProbe(connect, targetAt(address), { tools: { walk } });
}

/** Dials while the only local port of the range is taken. */
export async function dialWithoutPort(address: string, port: number): Promise<Finding> {
  const server = createServer().listen(port, '0.0.0.0');
  await once(server, 'listening');
  return await dial(address);
}

/** Dials while this process holds every file it may open. */
export async function dialWithoutFile(address: string): Promise<Finding> {
  const walk = { addresses: [{ address, family: 4 }] } as const;
  const starved: typeof connect = {
    ...connect,
    run: async (...deps) => {
      const held = everyFile();
      try {
        return await connect.run(...deps);
      } finally {
        for (const file of held) closeSync(file);
      }
    },
  };
  return await runProbe(starved, targetAt(address), { tools: { walk } });
}

const MAX_FILES = 1000;

function everyFile(): readonly number[] {
  const held: number[] = [];
  try {
    while (held.length < MAX_FILES) held.push(openSync('/dev/null', 'r'));
  } catch {
    return held;
  }
  throw new Error('this process has no limit of open files');
}
