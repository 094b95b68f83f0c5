/** Our own settings: strict, all problems at once, every one with its line. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { defaultSettings, loadSettings } from '../../../src/config/settings/settings.ts';
import { exampleSettings } from '../../../src/config/settings/example.ts';
import { ALL_PROBES } from '../../../src/cli/all-probes.ts';
import { probe } from '../../support/probes.ts';

const FILE = '/etc/runnerwatch/runnerwatch.toml';
const INVALID = join(import.meta.dirname, '../../fixtures/settings-invalid');

const TWO = [
  probe({
    id: 'disk',
    options: {
      warn_ratio: { kind: 'number', default: 0.9, unit: 'ratio', min: 0, max: 1, help: 'Warns.' },
      deep: { kind: 'boolean', default: false, help: 'Looks deeper.' },
    },
  }),
  probe({ id: 'memory' }),
];

const load = (text: string) => loadSettings(text, FILE, TWO);

test('an empty file gives the defaults', () => {
  const settings = {
    requestsPerHour: 20,
    probes: {
      disk: {
        enabled: true,
        intervalSeconds: 10,
        timeoutSeconds: 2,
        options: { warn_ratio: 0.9, deep: false },
      },
      memory: { enabled: true, intervalSeconds: 10, timeoutSeconds: 2, options: {} },
    },
  };

  expect(load('')).toEqual({ settings, problems: [] });
  expect(defaultSettings(TWO)).toEqual(settings);
});

test('every key is taken', () => {
  const text = `
[gitlab]
requests_per_hour = 100
[web]
listen_addresses = ["127.0.0.1:1", "unix:/run/x"]
enable_lifecycle = true
[runner]
config = "/srv/config.toml"
log_file = "/srv/runner.log"
[state]
directory = "/srv/state"
[log]
level = "debug"
format = "json"
[probes.disk]
enabled = false
interval_seconds = 60
timeout_seconds = 0.5
warn_ratio = 1
deep = true
`;

  expect(load(text).settings).toEqual({
    requestsPerHour: 100,
    listenAddresses: ['127.0.0.1:1', 'unix:/run/x'],
    enableLifecycle: true,
    runnerConfig: '/srv/config.toml',
    runnerLogFile: '/srv/runner.log',
    stateDirectory: '/srv/state',
    logLevel: 'debug',
    logFormat: 'json',
    probes: {
      disk: {
        enabled: false,
        intervalSeconds: 60,
        timeoutSeconds: 0.5,
        options: { warn_ratio: 1, deep: true },
      },
      memory: { enabled: true, intervalSeconds: 10, timeoutSeconds: 2, options: {} },
    },
  });
});

/** The first lines of a fixture, and comments above its faults, say what is expected: `# 3 unknown-key`. */
describe('invalid files', () => {
  test.each(readdirSync(INVALID))('%s', (name) => {
    const text = readFileSync(join(INVALID, name), 'utf8');
    const expected = [...text.matchAll(/^# (?<line>\d+) (?<code>[a-z-]+)$/gm)].map(
      ({ groups }) => `${groups?.['line']} ${groups?.['code']}`,
    );

    const { settings, problems } = load(text);

    expect(problems.map(({ line, code }) => `${line} ${code}`)).toEqual(expected);
    expect(settings).toBeUndefined();
    expect(JSON.stringify(problems)).not.toMatch(/canary/i);
  });
});

test('a problem says what was expected, what was found and what to do', () => {
  expect(load('[probes.disk]\nwarn_ratio = 2\nwarn_ration = 1').problems).toEqual([
    {
      code: 'invalid-value',
      file: FILE,
      line: 2,
      message: 'probes.disk.warn_ratio must be a ratio from 0 to 1, but is 2',
      fix: 'For example: `warn_ratio = 0.9`.',
    },
    {
      code: 'unknown-key',
      file: FILE,
      line: 3,
      message: 'unknown key "warn_ration" in [probes.disk]',
      fix: 'Did you mean `warn_ratio`?',
    },
  ]);
});

test.each([
  ['a dotted key', 'web.listen_addresses = 1\n', 1],
  ['a quoted table', '\n["web"]\nlisten_addresses = 1\n', 3],
  ['a table with blanks and a comment', '\n\n[ probes . disk ] # x\nwarn_ratio = 2\n', 4],
  [
    'a key after an array of several lines',
    '[web]\nlisten_addresses = [\n "a=b",\n]\nport = 1\n',
    5,
  ],
  ['a key of the same name in another table', '[probes.disk]\ndeep = true\n[log]\ndeep = 1\n', 4],
])('%s has its line', (_what, text, line) => {
  expect(load(text).problems.map((problem) => problem.line)).toEqual([line]);
});

test.each([
  [
    '[gitlab]\nrequests_per_hour = 1\nrequests_per_hour = 2\n',
    3,
    'this key or table is already defined',
  ],
  ['[web]\nlisten_addresses = ["a]\n', 2, 'a quote is not closed'],
  ['[log]\nlevel\n', 2, 'expected "=" after the key'],
  ['[log]\nlevel = \n', 2, 'expected a value'],
])('the syntax error of %j names line %i and the rule', (text, line, rule) => {
  const [problem] = load(text).problems;

  expect(problem).toMatchObject({ code: 'syntax-error', line });
  expect(problem?.message).toContain(rule);
});

test('Windows line ends, comments and a byte order mark are accepted', () => {
  expect(load('\uFEFF# x\r\n[gitlab] # y\r\nrequests_per_hour = 7\r\n').settings).toMatchObject({
    requestsPerHour: 7,
  });
});

test('a token in a wrong place is not repeated', () => {
  const texts = [
    'glrt-canaryCANARY = 1',
    'a = glrt-canary',
    '[web]\nlisten_addresses = "glrt-canary"',
  ];

  expect(JSON.stringify(texts.map((text) => load(text).problems))).not.toMatch(/canary/i);
});

test('names that every object has are no keys', () => {
  expect(load('[constructor]\na = 1\n[gitlab]\ntoString = 1').problems).toHaveLength(2);
});

describe('the example', () => {
  test('loads as it is, and with every comment taken away it says the defaults', () => {
    const example = exampleSettings(TWO);
    const uncommented = example.replaceAll(/^# (?=[a-z_]+ = )/gm, '');

    expect(load(example)).toEqual({ settings: defaultSettings(TWO), problems: [] });
    expect(load(uncommented)).toMatchObject({ settings: defaultSettings(TWO), problems: [] });
    expect(uncommented).toContain('\nwarn_ratio = 0.9\n');
    expect(example).toContain('# Warns. Unit: ratio, 0 to 1.\n# warn_ratio = 0.9\n');
  });

  test('deploy/runnerwatch.example.toml is what the tables say', () => {
    const file = join(import.meta.dirname, '../../../deploy/runnerwatch.example.toml');

    expect(readFileSync(file, 'utf8')).toBe(exampleSettings(ALL_PROBES));
  });
});
