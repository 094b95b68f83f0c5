/** Which containers are those of a runner, by what they were made to run. */
import { expect, test } from 'vitest';

import type { ContainerMake } from '../../../src/host/docker/runner-container.ts';
import { isForeign, runnerWordsOf } from '../../../src/host/docker/runner-container.ts';

const CONFIG = '/etc/gitlab-runner';
const DOCUMENTED = ['/usr/bin/dumb-init', '/entrypoint'];

function wordsOf(over: Partial<ContainerMake>): readonly string[] | undefined {
  const { given = [], words = [...DOCUMENTED, ...given] } = over;
  return runnerWordsOf({
    words,
    given,
    image: 'gitlab/gitlab-runner:latest',
    mountPoints: [CONFIG],
    isRestarted: false,
    ...over,
  });
}

test.each<readonly [string, Partial<ContainerMake>, readonly string[]]>([
  ['as documented', { given: ['run', '--user=a'] }, ['run', '--user=a']],
  ['with flags before the command', { given: ['--debug', 'run'] }, ['--debug', 'run']],
  ['without a mount', { given: ['run'], mountPoints: [], image: 'sha256:0123' }, ['run']],
  [
    'the program itself',
    { words: ['gitlab-runner', 'run', '-c', '/x'], mountPoints: [], image: 'own/image' },
    ['run', '-c', '/x'],
  ],
  [
    'a shell that registers it first',
    {
      words: ['/bin/sh', '-c', 'gitlab-runner register -n && exec gitlab-runner run'],
      mountPoints: [],
      image: 'own/image',
    },
    ['run'],
  ],
  [
    'a script of its own',
    { words: ['/start.sh', 'run'], given: ['run'], image: 'own/image' },
    ['run'],
  ],
  [
    'the home of another user',
    { words: ['/start.sh', 'run'], given: ['run'], mountPoints: ['/home/ci/.gitlab-runner'] },
    ['run'],
  ],
  ['a broken entrypoint, started again', { words: ['/bin/grep'], isRestarted: true }, ['run']],
  ['a misspelt command, started again', { given: ['rnu'], isRestarted: true }, ['run']],
])('a runner: %s', (_title, over, expected) => {
  expect(wordsOf(over)?.slice(1)).toEqual(expected);
});

test.each<readonly [string, Partial<ContainerMake>]>([
  ['register', { given: ['register', '--non-interactive'] }],
  ['register, started again', { given: ['register'], isRestarted: true }],
  ['verify', { given: ['verify'] }],
  ['its version', { given: ['--version'], isRestarted: true }],
  ['a shell in its image', { words: ['bash'] }],
  ['a broken entrypoint that nothing starts again', { words: ['/bin/grep'] }],
  ['a backup of the config', { words: ['tar', 'cz', CONFIG], image: 'alpine', isRestarted: true }],
  ['the helper of a job', { words: ['sh', '-c', 'gitlab-runner-helper x'], mountPoints: [] }],
  [
    'a helper image',
    { words: ['/bin/x'], image: 'gitlab/gitlab-runner-helper:x', isRestarted: true },
  ],
  [
    'a program with a command `run`',
    { words: ['npm', 'run', 'x'], given: ['run'], mountPoints: ['/x'] },
  ],
  [
    'runnerwatch itself',
    { words: ['runnerwatch', 'serve'], image: 'runnerwatch', isRestarted: true },
  ],
])('no runner: %s', (_title, over) => {
  expect(wordsOf(over)).toBeUndefined();
});

test.each([
  [true, { 'com.gitlab.gitlab-runner.managed': 'true' }],
  [true, { 'com.gitlab.gitlab-runner.job.id': '7' }],
  [true, { 'io.kubernetes.pod.name': 'x' }],
  [false, { 'com.docker.compose.project': 'gitlab-runner' }],
  [false, {}],
])('foreign: %s by %j', (expected, labels) => {
  expect(isForeign(labels)).toBe(expected);
});
