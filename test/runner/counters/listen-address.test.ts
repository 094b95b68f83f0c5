import { describe, expect, test } from 'vitest';

import { metricsAddressOf, parseAddress } from '../../../src/runner/counters/listen-address.ts';
import { runnerProcess } from '../../support/runner-process.ts';

test.each([
  [':9252', '127.0.0.1', 9252],
  ['0.0.0.0:1', '127.0.0.1', 1],
  ['[::]:9252', '::1', 9252],
  ['[fd00::1]:80', 'fd00::1', 80],
  ['localhost', 'localhost', 9252],
  ['[::1]', '::1', 9252],
  ['runner.test:65535', 'runner.test', 65_535],
])('%s is asked at %s, port %i', (text, host, port) => {
  expect(parseAddress(text)).toEqual({ host, port });
});

test.each(['host:0', 'host:70000', 'a:b:c', '[::1', 'host:port'])('%s is none', (text) => {
  expect(parseAddress(text)).toBeUndefined();
});

describe('which one holds', () => {
  const args = ['gitlab-runner', 'run', '--listen-address', ':1'];
  const environment = { LISTEN_ADDRESS: ':2' };

  test.each([
    ['the argument', { arguments: args, environment }, 1],
    [
      'the argument with an equals sign',
      { arguments: ['gitlab-runner', 'run', '--listen-address=:4'] },
      4,
    ],
    ['the variable', { environment }, 2],
    ['the config, where the variable is empty', { environment: { LISTEN_ADDRESS: '' } }, 3],
    ['the config, where the environment is hidden', {}, 3],
  ])('%s', (_which, over, port) => {
    expect(metricsAddressOf(':3', runnerProcess(over))?.port).toBe(port);
  });

  test('without any there is none', () => {
    expect(metricsAddressOf(undefined, undefined)).toBeUndefined();
    expect(metricsAddressOf('', runnerProcess())).toBeUndefined();
  });
});
