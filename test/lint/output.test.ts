/** What is printed: blocks with a caret, masked lines, colours only when asked, JSON of GitLab's Code Quality. */
import { describe, expect, test } from 'vitest';

import { codeQualityOf } from '../../src/lint/code-quality.ts';
import { diffOf } from '../../src/lint/diff.ts';
import { applyEdits } from '../../src/lint/edits.ts';
import { maskLine } from '../../src/lint/excerpt.ts';
import { judge, prepare } from '../../src/lint/lint.ts';
import { lintText } from '../support/lint-text.ts';
import { lintReportText } from '../../src/lint/text.ts';

const TEXT =
  'concurrent = "4"\n[[runners]]\n  name = "a"\n  url = "https://gitlab.example.com/"\n  token = "glrt-CANARYcanaryCANARYca"\n  executor = "shell"\n  request_concurrency = 2\n';
const report = lintText(TEXT, 'config.toml', { now: 0 });

test('a finding is a block with its place, a caret, what follows and what to write', () => {
  const text = lintReportText({ ...report, leftOut: [] }, TEXT.split('\n'), { colour: false });

  expect(text).toBe(
    [
      'error[P05] concurrent must be an integer, and is a string (the runner does not start)',
      '  --> config.toml:1:14',
      '   |',
      ' 1 | concurrent = "4"',
      '   |              ^^^',
      '  = The runner cannot parse the file: it does not start, and a running one keeps its old configuration until its next start.',
      '  = fix: write concurrent = 4',
      '  = number-or-boolean-expected: runnerwatch explain P05',
      '',
      'config.toml: 1 error; the runner does not start with this file',
    ].join('\n'),
  );
});

test('colours are there only when asked for', () => {
  const lines = TEXT.split('\n');

  expect(lintReportText(report, lines, { colour: false })).not.toContain('\u001B');
  expect(lintReportText(report, lines, { colour: true })).toContain(
    '\u001B[31;1merror[P05]\u001B[0m',
  );
});

test('rules that were not checked are listed before the last line', () => {
  const text = lintReportText(report, TEXT.split('\n'), { colour: false });

  expect(text).toContain('not checked, or only in part:\n');
  expect(text).toMatch(/  no gitlab-runner process uses this file: (?:[A-Z]\d\d ?)+\n/);
});

test('a file without findings says so in one line', () => {
  const silent = lintText(TEXT.replace('"4"', '4'), 'config.toml', { now: 0 });

  expect(lintReportText({ ...silent, leftOut: [] }, [], { colour: false })).toBe(
    'config.toml: no findings',
  );
});

describe('a line is shown without its secrets, and its columns stay', () => {
  test.each([
    ['  cpus = 2', '  cpus = 2'],
    ['  name = "docker-1" # the first', '  name = "docker-1" # …'],
    ['# token = "glrt-abc"', '# …'],
    ['  token = "glrt-abc"', '  token = "********"'],
    [
      '  url = "https://me:secret@gitlab.example.com/"',
      '  url = "*************************************"',
    ],
    ['  url = "https://gitlab.example.com/"', '  url = "https://gitlab.example.com/"'],
    ['  environment = ["A=b", "C=d"]', '  environment = ["***", "***"]'],
    ['  "A=b",', '  "*=*",'],
    ['  [runners.docker]', '  [runners.docker]'],
    ['[[runners]]', '[[runners]]'],
    [
      '  tls-ca-file = "/etc/gitlab-runner/certs/gitlab.example.com.crt"',
      '  tls-ca-file = "/etc/gitlab-runner/certs/gitlab.example.com.crt"',
    ],
    ['  token "glrt-abc"', '  ***** "********"'],
    ['glrt-abcdefghij = 1', '*************** = 1'],
    ['  token_expires_at = 2027-01-01T00:00:00Z', '  token_expires_at = 2027-01-01T00:00:00Z'],
    ['  privileged = true', '  privileged = true'],
    ['  privileged = yes', '  privileged = ***'],
    ["  password = 'a'", "  password = '*'"],
    ['\tcpus = 2', ' cpus = 2'],
    ['  pre_build_script = "echo hi"', '  pre_build_script = "*******"'],
    ['', ''],
  ])('%j', (line, masked) => {
    expect(maskLine(line)).toBe(masked);
  });

  test.each(['\r', '\u2028', '\u2029', '\v', '\f', '\u0085'])(
    'nothing behind a line end that is none is shown: %j',
    (end) => {
      for (const line of [
        `# old${end}  token = "glrt-wQz3kLmN8pRs2TuVx5Ya"`,
        `limit = 4 # old${end}  token = "glrt-wQz3kLmN8pRs2TuVx5Ya"`,
        `limit = 4${end}  token = "glrt-wQz3kLmN8pRs2TuVx5Ya"`,
      ])
        expect(maskLine(line)).not.toContain('wQz3kLmN8pRs2TuVx5Ya');
    },
  );
});

test('the report of Code Quality has one issue for each finding, with a fingerprint that lines do not move', () => {
  const issues = codeQualityOf(report);
  const moved = codeQualityOf(lintText(`# a comment\n${TEXT}`, 'config.toml', { now: 0 }));

  expect(issues).toEqual([
    {
      description: expect.stringContaining('Write concurrent = 4'),
      check_name: 'P05/number-or-boolean-expected',
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      severity: 'blocker',
      location: { path: 'config.toml', lines: { begin: 1 } },
    },
  ]);
  expect(moved[0]?.location.lines.begin).toBe(2);
  expect(moved.map(({ fingerprint }) => fingerprint)).toEqual(
    issues.map(({ fingerprint }) => fingerprint),
  );
});

test('two equal findings have two fingerprints', () => {
  const twice = lintText(
    '[[runners]]\n  [runners.docker]\n    devices = ["a:b:c:d", "a:b:c:e"]\n  executor = "docker"',
    'c',
    { now: 0 },
  );
  const prints = codeQualityOf(twice).map(({ fingerprint }) => fingerprint);

  expect(new Set(prints).size).toBe(prints.length);
});

const fix = (text: string): string => applyEdits(text, judge(prepare(text, 'c'), { now: 0 })).text;

describe('corrections', () => {
  test.each([
    ['a number and its comment', 'concurrent = "4"   # four\n', 'concurrent = 4   # four\n'],
    [
      'line ends of Windows and a mark',
      '\uFEFFconcurrent = "4"\r\ncheck_interval = 3.0\r\n',
      '\uFEFFconcurrent = 4\r\ncheck_interval = 3\r\n',
    ],
    ['a number at the end of the file', 'concurrent = 4.0', 'concurrent = 4'],
    ['single brackets', '[runners]\nname = "a"\n', '[[runners]]\nname = "a"\n'],
    ['a list', '[[runners]]\nenvironment = "A=b"\n', '[[runners]]\nenvironment = ["A=b"]\n'],
    ['a spelling', '[[runners]]\ntls_ca_file = "/a"\n', '[[runners]]\ntls-ca-file = "/a"\n'],
    [
      'a duration',
      '[[runners]]\nunhealthy_interval = "3600 s"\n',
      '[[runners]]\nunhealthy_interval = "3600s"\n',
    ],
    ['an executor', '[[runners]]\nexecutor = "Shell"\n', '[[runners]]\nexecutor = "shell"\n'],
    [
      'the path of the API',
      '[[runners]]\nurl = "https://g.example.com/api/v4"\n',
      '[[runners]]\nurl = "https://g.example.com/"\n',
    ],
    [
      'several in one line',
      '[[runners]]\nlabels = { aaa = 1, bbb = 2 }\n',
      '[[runners]]\nlabels = { aaa = "1", bbb = "2" }\n',
    ],
    [
      'what is not certain stays',
      '[[runners]]\nunhealthy_interval = 3600\nexecutor = "dokcer"\nmemory = 4\n',
      '[[runners]]\nunhealthy_interval = 3600\nexecutor = "dokcer"\nmemory = 4\n',
    ],
    [
      'a token stays, even if it is invalid',
      '[[runners]]\ntoken = 5\n',
      '[[runners]]\ntoken = 5\n',
    ],
    [
      'a token under another name stays',
      '[[runners]]\nToken = "YOUR_TOKEN"\n',
      '[[runners]]\nToken = "YOUR_TOKEN"\n',
    ],
    [
      'a name that is taken stays',
      '[[runners]]\nurl = "a"\nURL = "b"\n',
      '[[runners]]\nurl = "a"\nURL = "b"\n',
    ],
  ])('%s', (_name, before, after) => {
    expect(fix(before)).toBe(after);
  });

  test('the diff shows what changes, with its lines masked', () => {
    const text = `${TEXT}  limit = "2"\n`;

    expect(diffOf(text, fix(text), 'c')).toBe(
      [
        '--- c',
        '+++ c',
        '@@ -1,3 +1,3 @@',
        '-concurrent = "4"',
        '+concurrent = 4',
        ' [[runners]]',
        '   name = "a"',
        '@@ -6,4 +6,4 @@',
        '   executor = "shell"',
        '   request_concurrency = 2',
        '-  limit = "2"',
        '+  limit = 2',
        ' ',
      ].join('\n'),
    );
    expect(diffOf('a\n', 'a\n', 'c')).toBe('');
  });
});

test.each([
  [
    '[runners.docker]\nulimit = { nofile = "many" }',
    'ulimit.nofile "many" is not a whole number, or two with a colon between them',
  ],
  [
    '[runners.machine]\nMachineOptionsWithName = ["a=b"]',
    'an element of MachineOptionsWithName is not a text with %s',
  ],
  [
    '[runners.docker]\npull_policy = true',
    'runners.docker.pull_policy must be a string or array of strings, and is a boolean',
  ],
])('the message about %j names the key and what it must be', (lines, message) => {
  const { findings } = lintText(`[[runners]]\nexecutor = "docker"\n${lines}\n`, 'c', { now: 0 });

  expect(findings.map((finding) => finding.message)).toContain(message);
});
