/** `runnerwatch lint` and `explain RULE` as the real program: exit codes, formats, corrections in place. */
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { runProgram } from '../support/program.ts';

const TOKEN = 'glrt-CANARYcanaryCANARYca';
const entry = (lines: string): string =>
  `concurrent = 4\n[[runners]]\n  name = "a"\n  url = "https://gitlab.example.com/"\n  token = "${TOKEN}" # keep\n  request_concurrency = 2\n${lines}`;
const SILENT = entry('  executor = "shell"\n');
const WARNING = entry('  executor = "shell"\n  tags = ["a"]\n');
const ERROR = entry('  executor = "shell"\n  limit = "2"\n');
const DEEP = `a = ${'['.repeat(300)}${']'.repeat(300)}`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runnerwatch-lint-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

let files = 0;
async function fileOf(text: string, mode = 0o600): Promise<string> {
  files += 1;
  const file = join(folder, `config-${files}.toml`);
  await writeFile(file, text);
  await chmod(file, mode);
  return file;
}

describe('exit codes', () => {
  test.each([
    ['nothing', SILENT, [], 0],
    ['a warning', WARNING, [], 0],
    ['a warning, strictly', WARNING, ['--strict'], 1],
    ['nothing, strictly', SILENT, ['--strict'], 0],
    ['an error', ERROR, [], 1],
    ['a file that is not checked', DEEP, [], 2],
  ] as const)('%s', async (_name, text, flags, code) => {
    expect((await runProgram(['lint', '-', ...flags], { input: text })).code).toBe(code);
  });
});

describe('formats', () => {
  test('text shows the line without the token, and no colour without a terminal', async () => {
    const { stdout } = await runProgram([
      'lint',
      await fileOf(ERROR.replace('executor', 'Token = "x"\n  executor')),
    ]);

    expect(stdout).toContain('limit = "2"');
    expect(stdout).not.toContain(TOKEN);
    expect(stdout).not.toContain('\u001B');
  });

  test('json is a document with every finding and what was left out', async () => {
    const file = await fileOf(ERROR);
    const { stdout } = await runProgram(['lint', file, '--format', 'json']);
    const document = JSON.parse(stdout) as Record<string, unknown>;

    expect(Object.keys(document)).toEqual(['schema', 'file', 'findings', 'leftOut', 'judged']);
    expect(document).toMatchObject({
      schema: 1,
      file,
      judged: true,
      findings: [
        {
          rule: 'P05',
          severity: 'error',
          effect: 'start',
          line: 8,
          column: 11,
          entry: 1,
          corrected: 'limit = 2',
        },
      ],
    });
  });

  test('codequality is a list of issues, empty for a silent file', async () => {
    const bad = await runProgram(['lint', '-', '--format', 'codequality'], { input: ERROR });
    const good = await runProgram(['lint', '-', '--format', 'codequality'], { input: SILENT });

    expect(JSON.parse(bad.stdout)).toMatchObject([
      { check_name: 'P05/number-or-boolean-expected', severity: 'blocker' },
    ]);
    expect(JSON.parse(good.stdout)).toEqual([]);
  });
});

describe('--fix', () => {
  test('prints the corrected file, and the diff beside it', async () => {
    const file = await fileOf(ERROR);
    const { code, stdout, stderr } = await runProgram(['lint', file, '--fix']);

    expect(code).toBe(0);
    expect(stdout).toBe(ERROR.replace('"2"', '2'));
    expect(stderr).toContain('-  limit = "2"\n+  limit = 2\n');
    expect(stderr).not.toContain(TOKEN);
    expect(await readFile(file, 'utf8')).toBe(ERROR);
  });

  test('--write puts it into its place with its mode, and keeps the old one', async () => {
    const file = await fileOf(ERROR, 0o640);
    const { code, stdout, stderr } = await runProgram(['lint', file, '--fix', '--write']);
    const backups = (await readdir(folder)).filter((name) =>
      join(folder, name).startsWith(`${file}.`),
    );

    expect([code, stdout]).toEqual([0, '']);
    expect(await readFile(file, 'utf8')).toBe(ERROR.replace('"2"', '2'));
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(backups).toHaveLength(1);
    expect(stderr).toContain(backups[0]);
    const backup = join(folder, backups[0] ?? '');
    expect(await readFile(backup, 'utf8')).toBe(ERROR);
    expect((await stat(backup)).mode & 0o777).toBe(0o640);
  });

  test('nothing to correct leaves the file and makes no backup', async () => {
    const file = await fileOf(WARNING);
    const { code, stderr } = await runProgram(['lint', file, '--fix', '--write']);

    expect([code, stderr]).toEqual([0, `${file}: nothing to correct automatically\n`]);
    expect(
      (await readdir(folder)).filter((name) => join(folder, name).startsWith(`${file}.`)),
    ).toEqual([]);
  });
});

describe('explain', () => {
  test.each(['P07', 'p07', 'table-for-value'])('%s prints the page of the rule', async (word) => {
    const { code, stdout } = await runProgram(['explain', word]);

    expect(code).toBe(0);
    expect(stdout).toMatch(/^P07 table-for-value \(error, start: /);
    expect(stdout).toContain('[runners.shell.env]');
  });

  test('a rule that there is not is a usage mistake', async () => {
    expect((await runProgram(['explain', 'P77'])).code).toBe(2);
  });
});
