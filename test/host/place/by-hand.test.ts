/** The printed restart of a hand-started runner, typed into a real shell. Only sudo is a stand-in: it drops its flags. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { handStartedCommands } from '../../../src/host/place/by-hand.ts';
import { until } from '../../support/until.ts';

const SUDO = `#!/bin/bash
background=
while [[ $1 == -* ]]; do
  case $1 in
    -b) background=1 ;;
    -u) shift ;;
  esac
  shift
done
if [[ $background ]]; then "$@" </dev/null & else exec "$@"; fi
`;
/** It would break out of any shell that did not take it as one word. */
const HOSTILE = `/x y"$(: >owned-1)\`: >owned-2\`';: >owned-3;`;
/** Says where it runs and with which words, and stays. */
const RUNNER = `#!/bin/bash
echo "pid $$ in $PWD proxy \${HTTPS_PROXY:-none} with $*"
exec sleep 1000
`;

test('it ends the process and runs the same words again, in the same folder, into the same log', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-by-hand-'));
  const home = join(folder, 'a b');
  const logFile = join(folder, 'runner.log');
  await mkdir(home);
  await writeFile(join(folder, 'sudo'), SUDO, { mode: 0o755 });
  await writeFile(join(folder, 'gitlab-runner'), RUNNER, { mode: 0o755 });
  const old = spawn('sleep', ['1000']);
  const ended = once(old, 'exit');
  const commands = handStartedCommands({
    user: { name: 'alice', uid: 1001 },
    program: 'gitlab-runner',
    words: ['gitlab-runner', 'run', '--config', HOSTILE],
    pid: old.pid,
    workingDirectory: home,
    logFile,
  });
  const [step] = commands.setEnvironment('Set it.', { HTTPS_PROXY: 'http://proxy:3128' });
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` };

  await promisify(execFile)('/bin/bash', ['-c', step?.command ?? ''], { env, cwd: folder });

  const [, signal] = (await ended) as [number | null, string];
  const said = async () => await readFile(logFile, 'utf8').catch(() => '');
  await until(async () => (await said()).includes('\n'));
  const [, pid, rest] = /^pid (\d+) (.*)/.exec(await said()) ?? [];
  process.kill(Number(pid));
  await rm(folder, { recursive: true });

  expect(signal).toBe('SIGTERM');
  expect(rest).toBe(`in ${home} proxy http://proxy:3128 with run --config ${HOSTILE}`);
});
