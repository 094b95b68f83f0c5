/** A program that replaces `stat -f`: it prints the file `answer` of the folder in its argument. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface FakeStat extends AsyncDisposable {
  readonly program: string;
  /** A folder with an answer. */
  readonly folder: string;
  /** Sets the answer: the line that stat would print. */
  setAnswer(line: string): Promise<void>;
  /** There is no answer any more. */
  forgets(): Promise<void>;
  /** What it was called with, one line for each call. */
  calls(): Promise<readonly string[]>;
}

/** `script` replaces the answer: `exec sleep 600`. */
export async function startFakeStat(script = 'cat "$5/answer"'): Promise<FakeStat> {
  const folder = await mkdtemp(join(tmpdir(), 'runnerwatch-stat-'));
  const program = join(folder, 'stat');
  const calls = join(folder, 'calls');
  await writeFile(calls, '');
  await writeFile(program, `#!/bin/sh\necho "$*" >> '${calls}'\n${script}\n`, { mode: 0o755 });
  return {
    program,
    folder,
    setAnswer: async (line) => await writeFile(join(folder, 'answer'), `${line}\n`),
    forgets: async () => await rm(join(folder, 'answer')),
    calls: async () => (await readFile(calls, 'utf8')).split('\n').slice(0, -1),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
