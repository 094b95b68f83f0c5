/** What a runner reads in config.toml, by the TOML library in its program. */
import { expect, test } from 'vitest';

import { dialectOf } from '../../../src/config/runner/dialect.ts';
import { runnerProcess } from '../../support/runner-process.ts';

function dialect(toml: string | undefined, environment = {}) {
  const go = { text: 'go1.21.9', minor: 21, defaults: {}, ...(toml === undefined ? {} : { toml }) };
  const found = dialectOf(runnerProcess({ go, environment }));
  return `${found.toml} ${found.fillsVariables ? 'fills' : 'literal'}`;
}

const FLAG = { BURNTSUSHI_TOML_110: '1' };

test.each([
  // GitLab Runner 16.0 to 17.5, 17.6 to 18.8, 18.9 and newer.
  ['v1.3.2', {}, '1.0 literal'],
  ['v1.4.0', {}, '1.0 literal'],
  ['v1.6.0', {}, '1.1 fills'],
  ['v1.10.0', {}, '1.1 fills'],
  ['v1.4.0', FLAG, '1.1 literal'],
  ['v1.3.2', FLAG, '1.0 literal'],
  [undefined, {}, '1.1 fills'],
])('%s with %j: %s', (toml, environment, expected) => {
  expect(dialect(toml, environment)).toBe(expected);
});

test('a runner that is not there is the newest', () => {
  expect(dialectOf(undefined)).toEqual({ toml: '1.1', fillsVariables: true });
});
