/** The demo in a real pseudo-terminal: keys break and heal, the end gives the terminal back. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { afterEach, expect, test } from 'vitest';

import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { programArguments } from '../support/program-arguments.ts';
import { inPatience } from '../support/until.ts';

const ROOT = join(import.meta.dirname, '../..');
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGTERM');
});

interface Screen {
  readonly type: (keys: string) => void;
  /** Waits until the output since the last key matches. */
  readonly shows: (wanted: RegExp) => Promise<string>;
  readonly exitCode: Promise<unknown>;
}

/** `script` gives the program a terminal of its own and hands over what we type. */
function openScreen(columns: number): Screen {
  const program = programArguments(['demo'], ROOT).join(' ');
  const size = `stty cols ${columns} rows 40`;
  const child = spawn('script', ['-qec', `${size} && exec ${program}`, '/dev/null'], {
    cwd: ROOT,
    env: { ...process.env, ...COMPILE_CACHE },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  let written = '';
  child.stdout.on('data', (piece: Buffer) => void (written += piece.toString()));
  const shows = async (wanted: RegExp): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const inspect = (): void => void (wanted.test(written) && resolve(written));
    child.stdout.on('data', inspect);
    inspect();
    try {
      return await inPatience(promise, () => `no ${String(wanted)} in:\n${written}`);
    } finally {
      child.stdout.off('data', inspect);
    }
  };
  return {
    type: (keys) => {
      written = '';
      child.stdin.write(keys);
    },
    shows,
    exitCode: once(child, 'exit').then(([code]) => code as unknown),
  };
}

test('a key breaks, the cause and what to type appear, another key heals, q ends', async () => {
  const screen = openScreen(100);
  const first = await screen.shows(/healthy[^\n]*3 runners reach/);
  expect(first).toContain('This is a demo: GitLab and the runner are simulated.');
  expect(first).toMatch(/1 unknown-authority +2 expired/);

  screen.type('1');
  const broken = await screen.shows(/cause {4}tls-unknown-authority \(critical, /);
  expect(broken).toContain('runnerwatch should say tls-unknown-authority');
  expect(broken).toMatch(
    /^ +sudo mkdir -p \S+ && \(echo; cat root\.pem\) \| sudo tee -a \S+ >\/dev\/null && /m,
  );
  expect(broken).toMatch(/^ +sudo service gitlab-runner restart$/m);

  screen.type('h');
  await screen.shows(/healthy[^\n]*3 runners reach/);

  screen.type('q');
  await screen.shows(/The demo ends and removes its GitLab, its runner and its folder\.\r\n$/);
  expect(await screen.exitCode).toBe(0);
});

test('f breaks and f heals again, also when pressed faster than a fault is switched', async () => {
  const screen = openScreen(100);
  await screen.shows(/healthy[^\n]*3 runners reach/);

  screen.type('fff');
  await screen.shows(/runnerwatch should say tls-certificate-expired/);

  screen.type('f');
  await screen.shows(/fault {4}none/);
  screen.type('\u0003');
  expect(await screen.exitCode).toBe(0);
});

test('prose is folded by words at the width of the terminal', async () => {
  const screen = openScreen(60);
  await screen.shows(/healthy/);

  screen.type('d');
  const text = await screen.shows(/cause {4}config-changed-not-loaded/);
  const prose = text
    .split('\r\n')
    .filter((line) => /^(?:verdict|cause|fault| {9}[a-z])/.test(line));

  expect(prose.length).toBeGreaterThan(3);
  expect(prose.every((line) => stripVTControlCharacters(line).length <= 60)).toBe(true);
  screen.type('q');
  expect(await screen.exitCode).toBe(0);
});
