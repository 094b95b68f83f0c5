/** The real program: help, version, usage mistakes, --config.check, explain and lint with their exit codes. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { COMMANDS } from '../../src/cli/command-table.ts';
import { VERSION } from '../../src/core/version.ts';
import { catalogue } from '../../src/diagnosis/catalogue/index.ts';
import { programArguments } from '../support/program-arguments.ts';
import { runProgram } from '../support/program.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runnerwatch-usage-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function fileOf(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

describe('help and version', () => {
  test('--version prints one line', async () => {
    expect(await runProgram(['--version'])).toEqual({
      code: 0,
      signal: null,
      stdout: `runnerwatch ${VERSION}\n`,
      stderr: '',
    });
  });

  test('--help lists every command and every flag of the daemon', async () => {
    const { code, stdout, stderr } = await runProgram(['--help']);

    expect([code, stderr]).toEqual([0, '']);
    for (const { usage } of Object.values(COMMANDS)) expect(stdout).toContain(`  ${usage}\n`);
    for (const flag of Object.keys(COMMANDS.serve.flags)) expect(stdout).toContain(`  --${flag}`);
  });

  test.each(Object.entries(COMMANDS))(
    '%s --help is about that command',
    async (name, { usage }) => {
      const { code, stdout } = await runProgram([name, '--help']);

      expect(code).toBe(0);
      expect(stdout).toContain(usage);
    },
  );
});

describe('a usage mistake is exit code 2 and one sentence with what was meant', () => {
  test.each([
    [['chekc'], 'unknown command "chekc"; did you mean check?'],
    [['nonsense'], 'unknown command "nonsense"; see runnerwatch --help'],
    [['check', '--fromat', 'json'], 'unknown flag --fromat; did you mean --format?'],
    [
      ['--web.listen-adress=:80'],
      'unknown flag --web.listen-adress; did you mean --web.listen-address?',
    ],
    [
      ['check', '--format', 'jsno'],
      '--format "jsno" is not one of text, json, nagios; did you mean json?',
    ],
    [['check', '--watch=yes'], '--watch takes no value; see runnerwatch --help'],
    [['check', '--runner'], '--runner needs a value: --runner NAME; see runnerwatch --help'],
    [['check', '--runner='], '--runner needs a value: --runner NAME; see runnerwatch --help'],
    [
      ['check', '--runner', '--watch'],
      '--runner needs a value: --runner NAME; see runnerwatch --help',
    ],
    [['serve', 'now'], 'serve does not take the argument "now"; see runnerwatch --help'],
    [['lint', 'a', 'b'], 'lint does not take the argument "b"; see runnerwatch --help'],
    [['explain', '--strict'], 'unknown flag --strict; see runnerwatch --help'],
    [
      ['--log.level=loud'],
      '--log.level "loud" is not one of debug, info, warn, error; see runnerwatch --help',
    ],
  ])('%j', async (args, message) => {
    expect(await runProgram(args)).toEqual({
      code: 2,
      signal: null,
      stdout: '',
      stderr: `runnerwatch: ${message}\n`,
    });
  });
});

describe('--config.check', () => {
  test('valid settings are 0', async () => {
    const file = await fileOf('good.toml', '[log]\nlevel = "debug"\n');

    expect(await runProgram(['--config.check', '--config.file', file])).toEqual({
      code: 0,
      signal: null,
      stdout: `${file} is valid\n`,
      stderr: '',
    });
  });

  test.each(['serve', 'check'])(
    '%s: every problem is printed at once, and the code is 1',
    async (command) => {
      const file = await fileOf(
        'bad.toml',
        '[log]\nlevle = "debug"\n[probes.dns]\ntimeout_seconds = -1\n',
      );
      const { code, stdout, stderr } = await runProgram([
        command,
        '--config.check',
        `--config.file=${file}`,
      ]);

      expect([code, stdout]).toEqual([1, '']);
      expect(stderr.trim().split('\n')).toEqual([
        `${file}:2: unknown key "levle" in [log]; did you mean \`level\`?`,
        expect.stringMatching(/bad\.toml:4: probes\.dns\.timeout_seconds /),
      ]);
    },
  );

  test('a settings file that is not there is 1', async () => {
    const { code, stderr } = await runProgram(['--config.check', '--config.file=/nowhere/rw.toml']);

    expect([code, stderr]).toEqual([
      1,
      '/nowhere/rw.toml: cannot be read (ENOENT); check the path and its permissions\n',
    ]);
  });

  test('the web configuration is checked too', async () => {
    const file = await fileOf('good.toml', '');
    const web = await fileOf('web.yml', 'basic_auth_users: {alice: x}\n');
    const args = ['--config.check', `--config.file=${file}`, `--web.config.file=${web}`];
    const { code, stderr } = await runProgram(args);

    expect(code).toBe(1);
    expect(stderr).toContain('the value of "alice" in basic_auth_users is not a bcrypt hash');
  });
});

describe('explain', () => {
  test('without a cause it lists every one', async () => {
    const { code, stdout } = await runProgram(['explain']);

    expect(code).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(catalogue.map(({ id }) => id));
  });

  test('one cause is printed with meaning and fix', async () => {
    const { code, stdout } = await runProgram(['explain', 'tls-unknown-authority']);

    expect(code).toBe(0);
    expect(stdout).toContain('tls-unknown-authority');
    expect(stdout.split('\n').length).toBeGreaterThan(8);
  });

  test('an unknown one is 2 with the nearest', async () => {
    expect(await runProgram(['explain', 'tls-unknown-autority'])).toEqual({
      code: 2,
      signal: null,
      stdout: '',
      stderr:
        'runnerwatch: unknown cause "tls-unknown-autority"; did you mean tls-unknown-authority?\n',
    });
  });
});

test('a reader that goes away is no error', () => {
  const line = `set -o pipefail; ${programArguments(['explain'], folder).join(' ')} | head -n 1`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });

  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain(catalogue[0]?.id);
});

const GOOD = `concurrent = 1
[[runners]]
  name = "one"
  url = "https://gitlab.test/"
  token = "glrt-0123456789abcdef"
  executor = "shell"
`;

describe('lint', () => {
  test('a file that the runner loads is 0', async () => {
    const { code, stderr } = await runProgram(['lint', await fileOf('good-config.toml', GOOD)]);

    expect([code, stderr]).toEqual([0, '']);
  });

  test('it reads standard input as -', async () => {
    expect((await runProgram(['lint', '-'], { input: GOOD })).code).toBe(0);
    expect((await runProgram(['lint', '-'], { input: 'concurrent = "4' })).code).toBe(1);
  });

  test('an error is 1, with file, line and column', async () => {
    const file = await fileOf('bad-config.toml', `${GOOD}\nlimit = [\n`);
    const { code, stdout } = await runProgram(['lint', file]);

    expect(code).toBe(1);
    expect(stdout).toMatch(new RegExp(`^ {2}--> ${file}:\\d+:\\d+$`, 'm'));
  });

  test.each(['json', 'codequality'])(
    '--format %s is JSON, with the same exit code',
    async (format) => {
      const file = await fileOf('bad-config.toml', `${GOOD}\nlimit = [\n`);
      const { code, stdout } = await runProgram(['lint', file, '--format', format]);

      expect(code).toBe(1);
      expect(JSON.stringify(JSON.parse(stdout))).toContain(file);
    },
  );

  test('a file that cannot be read is 2', async () => {
    expect(await runProgram(['lint', '/nowhere/config.toml'])).toEqual({
      code: 2,
      signal: null,
      stdout: '',
      stderr:
        'runnerwatch: /nowhere/config.toml cannot be read (ENOENT); check the path and its permissions\n',
    });
  });
});
