/** What a runner reads in config.toml, by the libraries in its program. */
import { expect, test } from 'vitest';

import type { GoBuild } from '../../../src/core/go-build.ts';
import { dialectOf } from '../../../src/config/runner/dialect.ts';
import { runnerProcess } from '../../support/runner-process.ts';

function dialect(libraries: Partial<GoBuild>, environment = {}) {
  const go = { text: 'go1.21.9', minor: 21, defaults: {}, ...libraries };
  const { toml, fillsVariables } = dialectOf(runnerProcess({ go, environment }));
  if (fillsVariables === undefined) return `${toml} unknown`;
  return `${toml} ${fillsVariables ? 'fills' : 'literal'}`;
}

const FLAG = { BURNTSUSHI_TOML_110: '1' };

test.each<[Partial<GoBuild>, Record<string, string>, string]>([
  // GitLab Runner 16.0 to 17.5, 17.6 to 18.8.
  [{ toml: 'v1.3.2' }, {}, '1.0 literal'],
  [{ toml: 'v1.4.0', steps: 'v0.22.0' }, {}, '1.0 literal'],
  // 18.9, between 18.9 and 18.10, 18.10, 19.3, a build without that library.
  [{ toml: 'v1.6.0', steps: 'v0.29.0' }, {}, '1.1 literal'],
  [{ toml: 'v1.6.0', steps: 'v0.30.0' }, {}, '1.1 unknown'],
  [{ toml: 'v1.6.0', steps: 'v0.31.0' }, {}, '1.1 fills'],
  [{ toml: 'v1.6.0', steps: 'v0.44.0' }, {}, '1.1 fills'],
  [{ toml: 'v1.6.0', steps: 'v1.0.0' }, {}, '1.1 fills'],
  [{ toml: 'v1.6.0' }, {}, '1.1 unknown'],
  [{ toml: 'v1.10.0' }, {}, '1.1 fills'],
  // A build that keeps its version.
  [{ toml: 'v1.6.0', release: '18.9.2' }, {}, '1.1 literal'],
  [{ toml: 'v1.6.0', release: '18.10.0' }, {}, '1.1 fills'],
  [{ toml: 'v1.6.0', release: '19.0.1' }, {}, '1.1 fills'],
  [{ toml: 'v1.4.0' }, FLAG, '1.1 literal'],
  [{ toml: 'v1.3.2' }, FLAG, '1.0 literal'],
  [{}, {}, '1.1 fills'],
])('%j with %j: %s', (libraries, environment, expected) => {
  expect(dialect(libraries, environment)).toBe(expected);
});

test('a runner that is not there is the newest', () => {
  expect(dialectOf(undefined)).toEqual({ toml: '1.1', fillsVariables: true });
});
