/**
 * What a newcomer does: clones, types `npm run demo` and `npm test` on a machine with its own Node and no
 * packages. The whole `npm test` is not run, since it would run this again: its set-up is, and the checks that read
 * every file.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { startDemo } from './support/demo-process.ts';
import { lendTypes } from './support/installed-copy.ts';
import { descendantsOf, stillRunning } from './support/process-tree.ts';
import { until } from './support/until.ts';

const ROOT = join(import.meta.dirname, '..');

let folder: string;
let clone: string;
let scratch: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fresh-clone-'));
  clone = join(folder, 'runnerwatch');
  scratch = join(folder, 'tmp');
  mkdirSync(scratch);
  await ran('git', ['clone', '--quiet', '--no-hardlinks', ROOT, clone]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As a login shell has it: this machine's Node and npm, nothing of this project and of npm's own variables. */
function newcomersEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:npm_|VITEST|NODE_|RUNNERWATCH_|INIT_CWD$|TEST$|MODE$|DEV$|PROD$)/.test(name),
  );
  const path = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((one) => !one.includes('node_modules'));
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter), TMPDIR: scratch };
}

async function ran(program: string, words: readonly string[], cwd = folder): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const options = { cwd, env: newcomersEnvironment(), maxBuffer: 16 * 1024 * 1024 };
  execFile(program, words, options, (error, stdout, stderr) => {
    if (error === null) resolve(`${stdout}${stderr}`);
    else reject(new Error(`${program} ${words.join(' ')}: ${error.message}\n${stdout}${stderr}`));
  });
  return await promise;
}

test('the clone is fresh and the Node on PATH is not ours', async () => {
  expect(existsSync(join(clone, 'node_modules'))).toBe(false);
  expect(await ran('sh', ['-c', 'command -v node'])).not.toContain(ROOT);
});

test('`npm run demo` installs what it needs, serves, and leaves nothing behind', async () => {
  await using demo = await startDemo({
    command: ['npm', 'run', 'demo', '--', '--web.listen-address=127.0.0.1:0'],
    cwd: clone,
    env: newcomersEnvironment(),
    isInstalling: true,
  });
  expect(demo.output()).toContain('setup: installing the npm packages of package-lock.json');
  expect(demo.output()).toContain('GitLab and the runner are simulated');
  const health = await demo.until('health', (text) => text.includes('"status": "pass",\n  "ver'));
  expect(JSON.parse(health)).toMatchObject({
    status: 'pass',
    causes: [],
    notes: ['This is a demo: GitLab and the runner are simulated.'],
  });
  const family = descendantsOf(demo.pid);
  expect(family.length).toBeGreaterThan(1);

  await demo.end('SIGTERM');

  await until(() => stillRunning(family).length === 0);
  expect(readdirSync(scratch).filter((name) => name.startsWith('runnerwatch-'))).toEqual([]);
});

test('what `npm test` sets up is there, a second time in no time at all', async () => {
  expect(await ran('node', ['tools/setup.mjs', 'test'], clone)).not.toContain('npm packages');
  expect(await ran('node', ['tools/setup.mjs', 'test'], clone)).toBe('');
});

test.each(['types', 'docs:check'])(
  '`npm run %s` finds all that it reads: no file of the project was left out of the commit',
  async (name) => {
    await lendTypes(clone);
    expect(await ran('npm', ['run', '--silent', name], clone)).toBe('');
  },
);

test('none of it changes a file that git knows, or leaves one that it does not', async () => {
  expect(await ran('git', ['status', '--porcelain'], clone)).toBe('');
});
