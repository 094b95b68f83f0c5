/** The printed restart of a hand-started runner, typed into a real shell. Only sudo is a stand-in: it drops its flags. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { FixStep } from '../../../src/core/diagnosis.ts';
import type { PlaceCommands } from '../../../src/core/place.ts';
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
echo "pid $$ in $PWD proxy \${HTTPS_PROXY:-none} but \${NO_PROXY:-none} with $*"
exec sleep 1000
`;

/** Types the step of a runner that lives in a folder with a space, and waits for what the new one says. */
async function typeStep(
  stepOf: (commands: PlaceCommands) => readonly FixStep[],
  input: string,
): Promise<{ readonly signal: string; readonly output: string; readonly home: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-by-hand-'));
  const home = join(folder, 'a b');
  const logFile = join(folder, 'runner.log');
  await mkdir(home);
  await writeFile(join(folder, 'sudo'), SUDO, { mode: 0o755 });
  await writeFile(join(folder, 'gitlab-runner'), RUNNER, { mode: 0o755 });
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` };
  const old = spawn('sleep', ['1000'], { env: { ...env, NO_PROXY: 'a b' } });
  const ended = once(old, 'exit');
  const commands = handStartedCommands({
    user: { name: 'alice', uid: 1001 },
    program: 'gitlab-runner',
    install: 'true',
    words: ['gitlab-runner', 'run', '--config', HOSTILE],
    pid: old.pid,
    workingDirectory: home,
    logFile,
  });
  const [step] = stepOf(commands);

  const shell = spawn('/bin/sh', ['-c', step?.command ?? ''], {
    env,
    cwd: folder,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Most commands read nothing, and may have ended before it is written.
  shell.stdin.on('error', () => {});
  shell.stdin.end(input);

  const [, signal] = (await ended) as [number | null, string];
  const logged = async () => await readFile(logFile, 'utf8').catch(() => '');
  await until(async () => (await logged()).includes('\n'));
  const [, pid, output = ''] = /^pid (\d+) (.*)/.exec(await logged()) ?? [];
  process.kill(Number(pid));
  await rm(folder, { recursive: true });
  return { signal, output, home };
}

test('it ends the process and runs the same words again, in the same folder, into the same log', async () => {
  const { signal, output, home } = await typeStep(
    (commands) => commands.setEnvironment('Set it.', { HTTPS_PROXY: 'http://proxy:3128' }),
    '',
  );

  expect(signal).toBe('SIGTERM');
  expect(output).toBe(`in ${home} proxy http://proxy:3128 but a b with run --config ${HOSTILE}`);
});

test('a value that only a person knows is read before the process ends', async () => {
  const { signal, output, home } = await typeStep(
    (commands) => commands.enterEnvironment('Set it.', ['HTTPS_PROXY', 'NO_PROXY']),
    'http://a b$(:):3128\n\n',
  );

  expect(signal).toBe('SIGTERM');
  expect(output).toBe(`in ${home} proxy http://a b$(:):3128 but none with run --config ${HOSTILE}`);
});

test('a plain restart keeps the environment that the process was started with', async () => {
  const { output, home } = await typeStep(({ restart }) => [{ text: '', command: restart }], '');

  expect(output).toBe(`in ${home} proxy none but a b with run --config ${HOSTILE}`);
});

test('without a value the process runs on', () => {
  const [step] = handStartedCommands({
    user: { name: 'root', uid: 0 },
    program: 'gitlab-runner',
    install: 'true',
    words: ['gitlab-runner', 'run'],
    pid: process.pid,
  }).enterEnvironment('Set it.', ['HTTPS_PROXY']);
  // Whatever comes after the question would be the first command, and fails here.
  const env = { PATH: '/nowhere' };

  const { stdout, stderr } = spawnSync('/bin/sh', ['-c', step?.command ?? ''], { env, input: '' });

  expect([String(stdout), String(stderr)]).toEqual(['HTTPS_PROXY: ', '']);
});
