/** The runner's own page of numbers, served where its listen_address says. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';

import type { Counted } from '../../support/runner-counters.ts';
import { pageText } from '../../support/runner-counters.ts';
import type { World } from '../world.ts';

export const LISTENS = 'listen_address = "127.0.0.1:9252"\n';
/** Whatever the file holds at that moment. */
const SERVER = `
  const { createServer } = require('node:http');
  const { readFileSync } = require('node:fs');
  createServer((_, response) => response.end(readFileSync(process.argv[1])))
    .listen(9252, '127.0.0.1', () => console.log('up'));
`;

interface LabCounters extends AsyncDisposable {
  say(counted: Counted): Promise<void>;
}

export async function startCounters(
  { network, files }: World,
  counted: Counted = {},
): Promise<LabCounters> {
  const file = `${files.path}-counters`;
  const say = async (said: Counted): Promise<void> => await writeFile(file, pageText(said));
  await say(counted);
  const [program = '', ...words] = [...network.prefix('rn'), process.execPath, '-e', SERVER, file];
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  await once(child.stdout, 'data');
  return {
    say,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exit;
    },
  };
}
