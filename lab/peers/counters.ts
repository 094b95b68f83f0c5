/** The runner's metrics page, served at its listen_address. */
import { writeFile } from 'node:fs/promises';

import type { CounterValues } from '../../test/support/runner-counters.ts';
import { pageText } from '../../test/support/runner-counters.ts';
import type { World } from '../world.ts';
import { startPeer } from './start-peer.ts';

export const LISTENS = 'listen_address = "127.0.0.1:9252"\n';
/** Serves the current content of the file. */
const SERVER = `
  const { createServer } = require('node:http');
  const { readFileSync } = require('node:fs');
  createServer((_, response) => response.end(readFileSync(process.argv[1])))
    .listen(9252, '127.0.0.1', () => console.log('up'));
`;

function fileOf({ files }: World): string {
  return `${files.path}-counters`;
}

/** Replaces the metrics of the page. */
export async function setCounters(world: World, counted: CounterValues): Promise<void> {
  await writeFile(fileOf(world), pageText(counted));
}

export async function startCounters(
  world: World,
  counted: CounterValues = {},
): Promise<AsyncDisposable> {
  const { network } = world;
  const file = fileOf(world);
  await setCounters(world, counted);
  // Its file is one of this machine.
  return await startPeer({ prefix: () => network.inNetwork }, [
    process.execPath,
    '-e',
    SERVER,
    file,
  ]);
}
