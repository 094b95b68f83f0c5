/**
 * `runnerwatch lint [PATH]`: would the runner load this config.toml? Offline, with nothing but the file. It
 * knows the faults that stop the runner; the finer rules are not built yet, and it says so.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { readRunnerText } from '../config/runner-config.ts';
import { errnoText } from '../core/errno.ts';
import type { Problem } from '../core/reading.ts';
import type { Invocation } from './command-line.ts';
import { textFlag } from './flag-values.ts';
import { problemLine } from './problem-line.ts';

const DEFAULT_PATH = '/etc/gitlab-runner/config.toml';
const EXIT_OK = 0;
const EXIT_ERRORS = 1;
const EXIT_UNREADABLE = 2;

export async function lint(invocation: Invocation): Promise<number> {
  const path = invocation.positionals[0] ?? DEFAULT_PATH;
  const content = await contentOf(path);
  if (typeof content === 'string') {
    process.stderr.write(
      `runnerwatch: ${path} cannot be read (${content}); check the path and its rights\n`,
    );
    return EXIT_UNREADABLE;
  }
  const { problems } = readRunnerText(content, path);
  process.stdout.write(`${rendered(problems, path, textFlag(invocation, 'format'))}\n`);
  return problems.length === 0 ? EXIT_OK : EXIT_ERRORS;
}

/** The bytes of the file, or of standard input for `-`; a text says why they cannot be had. */
async function contentOf(path: string): Promise<Buffer | string> {
  try {
    if (path !== '-') return await readFile(path);
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
    return Buffer.concat(chunks);
  } catch (error) {
    return errnoText(error);
  }
}

function rendered(problems: readonly Problem[], path: string, format: string | undefined): string {
  if (format === 'json') return JSON.stringify({ path, problems }, undefined, 2);
  if (format === 'codequality')
    return JSON.stringify(
      problems.map((item) => codeQuality(item)),
      undefined,
      2,
    );
  if (problems.length === 0) return `${path}: the runner would load this file`;
  const count = problems.length === 1 ? '1 error' : `${problems.length} errors`;
  return [
    ...problems.map((problem) => problemLine(problem)),
    `${path}: ${count}; the runner would not load this file`,
  ].join('\n');
}

/** GitLab's Code Quality report. */
function codeQuality({ code, file, line = 1, message, key = '' }: Problem) {
  const fingerprint = createHash('sha256').update(`${code} ${file} ${key} ${line}`).digest('hex');
  return {
    description: message,
    check_name: code,
    fingerprint,
    severity: 'blocker',
    location: { path: file, lines: { begin: line } },
  };
}
