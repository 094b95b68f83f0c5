/** What is wrong with single entries of config.toml, and with the file that the runner reads. */
import { describe, expect, test } from 'vitest';

import type { Problem } from '../../src/core/reading.ts';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { CONFIG, brokenAt, fail, runner, snapshotOf } from '../support/snapshots.ts';

const at = (line: number, code: string): Problem => ({
  code,
  file: CONFIG,
  line,
  key: 'runners.url',
  message: code,
  fix: 'Mend it.',
});

describe('a variable that is not set', () => {
  const [first, other] = [runner('runnerAA1', { line: 4 }), runner('runnerAA2', { line: 14 })];

  test('is the one fault of a url that it leaves empty, and of its own entry alone', () => {
    const { endpoint: _, ...gone } = first;
    const configProblems = [at(6, 'env-unset'), at(6, 'url-invalid'), at(16, 'url-invalid')];
    const { causes } = diagnose(snapshotOf({}, { configProblems, runners: [gone, other] }));

    expect(causes.map(({ id, scope }) => [id, scope.runners])).toEqual([
      ['config-url-invalid', ['runnerAA2']],
      ['config-env-unset', ['runnerAA1']],
    ]);
  });

  test('explains that the address which it leaves does not exist', () => {
    const world = { configProblems: [at(6, 'env-unset')], runners: [first] };
    const { causes } = diagnose(snapshotOf(brokenAt('dns', fail('not-found')), world));

    expect(causes.map(({ id }) => id)).toEqual(['config-env-unset']);
  });

  test('explains nothing about an address that another entry writes out', () => {
    const world = { configProblems: [at(6, 'env-unset')], runners: [first, other] };
    const { causes } = diagnose(snapshotOf(brokenAt('dns', fail('not-found')), world));

    expect(causes.map(({ id }) => id)).toEqual(['config-env-unset', 'dns-name-not-found']);
  });

  test('in one entry says nothing about the empty token of another', () => {
    const findings = { 'token@runnerAA2': fail('missing', { line: 15 }) };
    const world = { configProblems: [at(6, 'env-unset')], runners: [first, other] };
    const { causes } = diagnose(snapshotOf(findings, world));

    expect(causes.map(({ id, scope }) => [id, scope.runners])).toEqual([
      ['config-env-unset', ['runnerAA1']],
      ['token-missing', ['runnerAA2']],
    ]);
  });
});

test('a variable that this runner does not fill in explains a name that is not found and a rejected token', () => {
  const only = runner('runnerAA1', { line: 4 });
  const world = { configProblems: [at(6, 'env-not-filled')], runners: [only] };
  const { causes } = diagnose(snapshotOf(brokenAt('dns', fail('not-found')), world));

  expect(causes).toMatchObject([{ id: 'config-env-not-filled', severity: 'critical' }]);
});

test('a runner on another file is not one without a file', () => {
  const findings = {
    config: fail('missing'),
    service: fail('other-config', { read: '/srv/config.toml', meant: CONFIG }),
  };
  const { causes } = diagnose(snapshotOf(findings));

  expect(causes).toMatchObject([
    {
      id: 'config-wrong-file',
      summary: `The runner on this host reads /srv/config.toml instead of ${CONFIG}.`,
    },
  ]);
});
