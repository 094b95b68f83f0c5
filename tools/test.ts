/**
 * `npm test`: every check of `npm run check`, every test, and whether a test produced each reason of each probe.
 * Root also runs test/root; for other users the last lines name what was not run. The very last line is `N passed, N
 * failed`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { ALL_PROBES } from '../src/cli/all-probes.ts';
import { COMPILE_CACHE } from '../test/support/compile-cache.ts';
import { SEEN_VARIABLE } from '../test/support/recorded-reasons.ts';
import type { Tally } from './tally.ts';
import { TALLY_VARIABLE } from './tally.ts';

const ROOT = join(import.meta.dirname, '..');
/** Tests go on from what it has found. */
const FIRST_CHECK = 'types';
/** One after the other, beside the tests, which wait a part of their time. */
const OTHER_CHECKS = ['format:check', 'lint', 'unused', 'docs:check'];
const SYSTEM_FOLDERS = '/usr/local/sbin:/usr/sbin:/sbin';
const ROOT_TESTS = 'test/root';

const isRoot = process.getuid?.() === 0;
const folder = mkdtempSync(join(tmpdir(), 'runnerwatch-test-'));
try {
  const first = await check(FIRST_CHECK);
  const [others, tested] = await Promise.all([otherChecks(), tests()]);
  const sum = [first, others, tested, reasons()].reduce(addTallies);
  if (!isRoot) {
    print(
      `left out, since they need root: the tests of ${ROOT_TESTS}, and whether every reason is produced. Type: sudo npm test`,
    );
  }
  print(`${sum.passed} passed, ${sum.failed} failed`);
  process.exitCode = sum.failed === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function otherChecks(): Promise<Tally> {
  let sum: Tally = { passed: 0, failed: 0 };
  for (const name of OTHER_CHECKS) sum = addTallies(sum, await check(name));
  return sum;
}

async function check(name: string): Promise<Tally> {
  const started = Date.now();
  const child = spawn(process.execPath, ['--run', name], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  const took = ((Date.now() - started) / 1000).toFixed(1);
  print(`${status === 0 ? 'ok    ' : 'FAILED'} npm run ${name} (${took} s)`);
  if (status !== 0) print(`${stdout}${stderr}`);
  return verdictOf(status === 0);
}

async function tests(): Promise<Tally> {
  const tallyFile = join(folder, 'tally.json');
  const child = spawn(join(ROOT, 'node_modules/.bin/vitest'), ['run'], {
    cwd: ROOT,
    stdio: 'inherit',
    env: {
      ...process.env,
      ...COMPILE_CACHE,
      PATH: `${process.env['PATH'] ?? ''}:${SYSTEM_FOLDERS}`,
      [TALLY_VARIABLE]: tallyFile,
      [SEEN_VARIABLE]: seenFile(),
    },
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (!existsSync(tallyFile)) return verdictOf(false);
  const tally = JSON.parse(readFileSync(tallyFile, 'utf8')) as Tally;
  // A failure outside of a test, such as an error in the configuration.
  return status !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}

/** Each declared reason was the outcome of a `runProbe` somewhere: the rule that keeps the tables honest. */
function reasons(): Tally {
  // Some faults only root can make: the verdict is left to a run that makes all of them.
  if (!isRoot) return { passed: 0, failed: 0 };
  const seen = new Set(existsSync(seenFile()) ? readFileSync(seenFile(), 'utf8').split('\n') : []);
  const never = ALL_PROBES.flatMap(({ id, reasons }) =>
    Object.keys(reasons).map((key) => `${id}/${key}`),
  ).filter((reason) => !seen.has(reason));
  print(
    `${never.length === 0 ? 'ok    ' : 'FAILED'} every reason of every probe is produced by a test`,
  );
  for (const reason of never) print(`       never: ${reason}`);
  return verdictOf(never.length === 0);
}

function seenFile(): string {
  return join(folder, 'seen-reasons');
}

function verdictOf(isGood: boolean): Tally {
  return { passed: Number(isGood), failed: Number(!isGood) };
}

function addTallies(one: Tally, other: Tally): Tally {
  return { passed: one.passed + other.passed, failed: one.failed + other.failed };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
