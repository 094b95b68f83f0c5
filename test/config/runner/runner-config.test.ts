/** What the runner's decoder takes and refuses: docs/reference/runner-config.md#what-the-decoder-accepts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { readRunnerText } from '../../../src/config/runner/runner-config.ts';
import { MAX_TOML_BYTES } from '../../../src/config/runner/runner-toml.ts';
import { pathsOf } from '../../../src/config/runner/schema-type.ts';
import { RUNNER_CONFIG } from '../../../src/config/runner/schema.ts';

const FILE = '/etc/gitlab-runner/config.toml';
const fixture = (name: string): Buffer =>
  readFileSync(join(import.meta.dirname, '../../fixtures/runner-config', name));

/** `line key: fix` of every problem. */
function problemsOf(content: string | Uint8Array): readonly string[] {
  return readRunnerText(content, FILE).problems.map(
    ({ code, line, key, fix }) => `${code} ${line} ${key ?? ''} | ${fix}`,
  );
}

/** `[[runners]]` with some lines below it. */
const entry = (lines: string): string => `[[runners]]\n${lines}`;

test.each([
  ['concurrent = 4\r', 1],
  ['concurrent = 4\r\n[[runners]]\r', 2],
  ['concurrent = 4\n# a comment\rcheck_interval = 3\n', 2],
  ['concurrent = 4\n\r\n\r', 3],
  ["[[runners]]\npre_build_script = '''\na\rb\n'''\n", 3],
])('a carriage return without a line feed is refused: %j', (text, line) => {
  expect(problemsOf(text)).toEqual([
    `syntax-error ${line}  | Save the file with line ends of Unix.`,
  ]);
});

test('a typical file becomes a document', () => {
  const { document, problems } = readRunnerText(fixture('typical.toml'), FILE);

  expect(problems).toEqual([]);
  expect(document).toMatchObject({
    file: FILE,
    concurrent: 4,
    checkIntervalSeconds: 3,
    listenAddress: '127.0.0.1:9252',
    hasKeys: true,
  });
  expect(
    document?.runners.map(({ token, ...rest }) => ({ ...rest, token: token.reveal() })),
  ).toEqual([
    {
      number: 1,
      name: 'docker-1',
      url: 'https://gitlab.example.com/',
      urlPlace: { line: 11, column: 9 },
      token: 'glrt-t1_t9Wkyj-HGRkqQcanarycanary',
      tokenPlace: { line: 13, column: 11 },
      executor: 'docker',
      proxyLines: [],
      settings: {},
      recordId: 11,
      tokenObtainedAt: Date.parse('2026-01-01T00:00:00Z'),
      line: 9,
      column: 3,
    },
    {
      number: 2,
      name: 'shell-1',
      url: 'https://gitlab.example.com',
      urlPlace: { line: 31, column: 9 },
      token: 'glrt-abcdefghiCANARY',
      tokenPlace: { line: 32, column: 11 },
      executor: 'shell',
      proxyLines: [],
      settings: {},
      tokenExpiresAt: Date.parse('2027-01-31T00:00:00Z'),
      buildsDir: '/data/builds',
      line: 29,
      column: 3,
    },
    {
      number: 3,
      name: 'other',
      url: 'https://git.example.org/gitlab/ci',
      urlPlace: { line: 40, column: 9 },
      token: '$OTHER_TOKEN',
      tokenPlace: { line: 41, column: 11 },
      executor: 'custom',
      proxyLines: [],
      settings: {},
      tlsCaFile: 'certs/other.pem',
      line: 38,
      column: 3,
    },
  ]);
});

test('ignored keys that guides recommend do not stop the file from loading', () => {
  expect(readRunnerText(fixture('guide-ignored.toml'), FILE)).toMatchObject({
    document: { runners: [{ name: 'guide', executor: 'docker' }] },
    problems: [],
  });
});

test('all mistakes of a guide are named at once, each with the corrected line', () => {
  expect(problemsOf(fixture('guide-broken.toml'))).toEqual([
    'type-error 1 concurrent | Write `concurrent = 4`.',
    'type-error 7 runners.unhealthy_interval | Write `unhealthy_interval = "3600s"`.',
    'type-error 8 runners.shell | Remove this table. Variables for jobs go into `environment = ["NAME=value"]` under [[runners]].',
    'type-error 11 runners.docker.cpus | Write `cpus = "2"`.',
    'type-error 12 runners.docker.memory | Write `memory = "4"`.',
    'type-error 13 runners.docker.shm_size | Write `shm_size = 67108864`.',
    'type-error 14 runners.docker.tls_verify | Write `tls_verify = false`.',
    'type-error 15 runners.docker.allowed_pull_policies | Write `allowed_pull_policies = ["always"]`.',
    'type-error 16 runners.docker.services | Write `[[runners.docker.services]]`.',
    'type-error 19 runners.ssh.port | Write `port = "22"`.',
    'type-error 21 runners.feature_flags.FF_USE_FASTZIP | Write `FF_USE_FASTZIP = true`.',
  ]);
});

test('a type error carries its parts', () => {
  expect(readRunnerText(entry('[runners.docker]\ncpus = 2'), FILE).problems).toEqual([
    {
      code: 'type-error',
      file: FILE,
      line: 3,
      column: 8,
      message: 'runners.docker.cpus must be a string, but line 3 has an integer',
      fix: 'Write `cpus = "2"`.',
      key: 'runners.docker.cpus',
      expected: 'string',
      found: 'integer',
      corrected: 'cpus = "2"',
    },
  ]);
});

describe('texts that the runner refuses', () => {
  test.each([
    ['[runners]\nurl = "x"', 'type-error 1 runners | Write `[[runners]]`.'],
    ['[[runners]]\n[[runners.docker]]', 'type-error 2 runners.docker | Write `[runners.docker]`.'],
    ['CONCURRENT = "4"', 'type-error 1 concurrent | Write `concurrent = 4`.'],
    [entry('limit = 4.0'), 'type-error 2 runners.limit | Write `limit = 4`.'],
    [
      entry('environment = "A=b"'),
      'type-error 2 runners.environment | Write `environment = ["NAME=value"]`.',
    ],
    [
      entry('[runners.environment]\nA="b"'),
      'type-error 2 runners.environment | Write `environment = ["NAME=value"]`.',
    ],
    [
      entry('[runners.docker]\ndns = ["1.1.1.1", 2]'),
      'type-error 3 runners.docker.dns | Write `dns = ["…"]`.',
    ],
    [
      entry('[runners.docker]\nservices = ["postgres"]'),
      'type-error 3 runners.docker.services | Set runners.docker.services to an array of tables, or remove it.',
    ],
    [
      entry('[runners.docker]\npull_policy = true'),
      'type-error 3 runners.docker.pull_policy | Write `pull_policy = ["true"]`.',
    ],
    [
      entry('[runners.docker.sysctls]\n"net.core" = 1'),
      'type-error 3 runners.docker.sysctls.net.core | Write `"net.core" = "1"`.',
    ],
    [
      entry('unhealthy_interval = 1.5'),
      'type-error 2 runners.unhealthy_interval | Write `unhealthy_interval = "1.5s"`.',
    ],
    [
      entry('unhealthy_interval = "1d"'),
      'type-error 2 runners.unhealthy_interval | Write `unhealthy_interval = "24h"`.',
    ],
    [
      entry('unhealthy_interval = "1h30min"'),
      'type-error 2 runners.unhealthy_interval | Write `unhealthy_interval = "1h30m"`.',
    ],
    [
      entry('token_expires_at = ""'),
      'type-error 2 runners.token_expires_at | Set runners.token_expires_at to a date and time such as 2027-01-31T00:00:00Z, or remove it.',
    ],
    [entry('token = 12345678'), 'type-error 2 runners.token | Write `token = "…"`.'],
    [
      'log_level = "verbose"',
      'invalid-value 1 log_level | Write `log_level = "info"`, or remove the line.',
    ],
    [
      'log_level = ""',
      'invalid-value 1 log_level | Write `log_level = "info"`, or remove the line.',
    ],
    [
      'log_format = "JSON"',
      'invalid-value 1 log_format | Write `log_format = "runner"`, or remove the line.',
    ],
    ['concurrent = 0', 'concurrent-zero 1 concurrent | Set `concurrent = 1` or more.'],
    ['concurrent = -1', 'concurrent-zero 1 concurrent | Set `concurrent = 1` or more.'],
    [
      'concurrent = 9223372036854775808',
      'syntax-error 1  | Correct the line, or the one above it.',
    ],
    [
      'concurrent : 1',
      'syntax-error 1  | Put text in straight quotes ("..."). Comments start with #.',
    ],
    [
      '// a comment',
      'syntax-error 1  | Put text in straight quotes ("..."). Comments start with #.',
    ],
    ['user = “x”', 'syntax-error 1  | Put text in straight quotes ("..."). Comments start with #.'],
    [
      'user = "C:\\GitLab"',
      'syntax-error 1  | Put the value in single quotes, or double the backslash.',
    ],
    ['concurrent = 04', 'syntax-error 1  | Correct the line, or the one above it.'],
    ['concurrent', 'syntax-error 1  | Write `key = value`. Comments start with #.'],
    ['[[runners]]\ntoken = "a"\ntoken = "b"', 'syntax-error 3  | Keep one of the two definitions.'],
    [
      '[[runners]]\n[runners.docker]\n[runners.docker]',
      'syntax-error 3  | Keep one of the two definitions.',
    ],
    [
      '[[runners]]\nshell = "bash"\n[runners.shell.env]',
      'syntax-error 3  | Keep one of the two definitions.',
    ],
    ['[[runners', 'syntax-error 1  | Correct the line, or the one above it.'],
    [
      `user = ${'['.repeat(300)}${']'.repeat(300)}`,
      'too-large undefined  | Check that this is the right file.',
    ],
  ])('%j', (text, expected) => {
    expect(problemsOf(text)).toEqual([expected]);
  });
});

describe('texts that the runner takes', () => {
  test.each([
    'runners = [{ name = "inline" }]',
    'Concurrent = 3\nLOG_LEVEL = "Debug"\nlog_format = "json"',
    'connection_max_age = 900\nshutdown_timeout = 0',
    entry('unhealthy_interval = "1h30m"\nprepare_timeout = "0"'),
    entry('token_expires_at = "2027-01-31T00:00:00+01:00"'),
    entry('token_expires_at = 2027-01-31'),
    entry('[runners.docker]\npull_policy = "always"'),
    entry('[runners.machine]\nIdleScaleFactor = 1\nmachinename = "a-%s"'),
    entry('[runners.autoscaler.plugin_config]\nanything = [1, "x", { y = 2 }]'),
    '[[runner]]\nname = 1\n[docker]\nimage = 3',
  ])('%j', (text) => {
    expect(problemsOf(text)).toEqual([]);
  });
});

test('byte order mark, Windows line ends and TOML 1.1 are accepted', () => {
  const windows = `\uFEFF${fixture('typical.toml').toString().replaceAll('\n', ' # x\r\n')}`;

  expect(readRunnerText(Buffer.from(windows), FILE).document?.runners).toHaveLength(3);
  expect(readRunnerText(fixture('toml-1.1.toml'), FILE).document?.runners[0]).toMatchObject({
    name: 'tab\tand\u001B',
    tokenExpiresAt: Date.parse('2027-01-31T00:00:00Z'),
  });
});

test('TOML 1.1 is refused for a runner that reads 1.0, and called that', () => {
  expect(readRunnerText(fixture('toml-1.1.toml'), FILE, '1.0').problems).toMatchObject([
    { code: 'syntax-error', message: expect.stringContaining('TOML 1.1') },
  ]);
  expect(readRunnerText(fixture('broken-quote.toml'), FILE, '1.0').problems).toMatchObject([
    { line: 12, message: expect.not.stringContaining('TOML 1.1') },
  ]);
  expect(readRunnerText(fixture('typical.toml'), FILE, '1.0').problems).toEqual([]);
});

test('an unclosed quote is found on its line', () => {
  expect(problemsOf(fixture('broken-quote.toml'))).toEqual([
    'syntax-error 12  | Close the quote on that line.',
  ]);
});

test('bytes that are not UTF-8 are refused', () => {
  expect(readRunnerText(Buffer.from([0x61, 0x3d, 0x22, 0xff, 0x22]), FILE).problems).toMatchObject([
    { code: 'syntax-error', message: 'the file is not valid UTF-8' },
  ]);
});

test('a file beyond the limit is not parsed', () => {
  expect(readRunnerText(`#${'x'.repeat(MAX_TOML_BYTES)}`, FILE).problems).toMatchObject([
    { code: 'too-large' },
  ]);
});

test('wherever a file is cut, reading it gives a document or problems, never an exception', () => {
  const text = fixture('typical.toml').toString();

  for (let length = 0; length <= text.length; length += 1) {
    const { document, problems } = readRunnerText(text.slice(0, length), FILE);
    expect(document === undefined).toBe(problems.length > 0);
  }
});

test('five hundred entries are read', () => {
  const one = fixture('typical.toml').toString().split('[[runners]]')[1] ?? '';
  const { document } = readRunnerText(`[[runners]]${one}`.repeat(500), FILE);

  expect(document?.runners).toHaveLength(500);
});

test('no problem of any broken file repeats a secret of it', () => {
  const whole = `${fixture('guide-broken.toml').toString()}${fixture('typical.toml').toString()}`;
  const lines = whole.split('\n');
  const broken = [
    fixture('broken-quote.toml').toString(),
    ...lines.flatMap((line, index) =>
      ['"', '=', ' x', '\u0001'].map((end) => lines.with(index, `${line}${end}`).join('\n')),
    ),
    // A token without its quotes, or in the place of another value.
    'token = glrt-canaryCANARY',
    'glrt-canaryCANARY = 1',
    'log_level = "glrt-canaryCANARY"',
    entry('environment = "TOKEN=canary"\nlimit = "glrt-canaryCANARY"\nname = ["canary"]'),
  ];
  const problems = JSON.stringify(broken.map((text) => readRunnerText(text, FILE).problems));

  expect(problems).toContain('syntax-error');
  expect(problems).not.toMatch(/canary/i);
});

test('the schema has the keys and types of GitLab Runner 19.4', () => {
  // The list that reflection over the runner's structures gave, sorted, without pointers.
  const keys = fixture('keys-19.4.txt').toString().trimEnd().split('\n');

  expect(pathsOf(RUNNER_CONFIG).toSorted()).toEqual(keys);
});
