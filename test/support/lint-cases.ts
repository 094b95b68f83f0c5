/**
 * Cases of the linter out of test/fixtures/lint/*.cases: `#== name | base | findings without a line`, then lines that
 * go into the base, each with what is found there behind `#!`: `cpus = 2  #! P04 cpus = "2"`.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { lintText } from './lint-text.ts';

const FOLDER = join(import.meta.dirname, '../fixtures/lint');
const MARK = ' #! ';
/** Tokens that have no date to expire at are judged against it. */
export const LINT_NOW = Date.parse('2026-11-25T00:00:00Z');

const TOP = ['concurrent = 10'];
const ENTRY = [
  '[[runners]]',
  '  name = "base"',
  '  url = "https://gitlab.example.com/"',
  '  token = "glrt-0123456789abcdefghij"',
  '  request_concurrency = 2',
];
const DOCKER = ['  [runners.docker]', '    image = "alpine:3.22"', '    volumes = ["/cache"]'];

/** A base has no findings; lines of a case replace those with the same key. */
const BASES: Readonly<Record<string, (body: readonly string[]) => readonly string[]>> = {
  file: (body) => body,
  global: (body) => [...withoutKeysOf(TOP, body), ...body, ...ENTRY, '  executor = "shell"'],
  entry: (body) => [...TOP, ...withoutKeysOf([...ENTRY, '  executor = "shell"'], body), ...body],
  docker: (body) => [
    ...TOP,
    ...ENTRY,
    '  executor = "docker"',
    ...withoutKeysOf(DOCKER, body),
    ...body,
  ],
  below: (body) => [...TOP, ...ENTRY, '  executor = "docker"', ...DOCKER, ...body],
  dockerEntry: (body) => [
    ...TOP,
    ...withoutKeysOf([...ENTRY, '  executor = "docker"'], body),
    ...body,
    ...DOCKER,
  ],
};

export interface LintCase {
  readonly name: string;
  /** `line rule corrected`; without a line for the whole file. */
  readonly expected: readonly string[];
  readonly text: string;
}

function withoutKeysOf(base: readonly string[], body: readonly string[]): readonly string[] {
  const keys = new Set(body.map((line) => keyOf(line)));
  return base.filter((line) => keyOf(line) === '' || !keys.has(keyOf(line)));
}

function keyOf(line: string): string {
  return /^\s*(?<key>[\w-]+)\s*=/.exec(line)?.groups?.['key'] ?? '';
}

/** Every case of every file. */
export function lintCases(): readonly LintCase[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.cases'))
    .flatMap((name) => casesOf(readFileSync(join(FOLDER, name), 'utf8'), name));
}

function casesOf(content: string, file: string): readonly LintCase[] {
  const [, ...blocks] = content.split(/^#== /m);
  return blocks.map((block) => {
    const [head = '', ...body] = block.trimEnd().split('\n');
    const [name = '', base = '', whole = ''] = head.split(' | ').map((part) => part.trim());
    const build = BASES[base];
    if (build === undefined) throw new Error(`${file}: ${name} has no base`);
    const marked = build(body);
    return {
      name: `${file.replace('.cases', '')}: ${name}`,
      text: marked.map((line) => line.split(MARK)[0]).join('\n'),
      expected: [
        ...whole.split(';;').flatMap((one) => (one.trim() === '' ? [] : [one.trim()])),
        ...marked.flatMap((line, index) =>
          (line.split(MARK)[1] ?? '')
            .split(';;')
            .flatMap((one) => (one.trim() === '' ? [] : [`${index + 1} ${one.trim()}`])),
        ),
      ],
    };
  });
}

/** What is found in a text, in the form of the cases. */
export function foundIn(text: string): readonly string[] {
  return lintText(text, 'config.toml', { now: LINT_NOW }).findings.map(
    ({ line, rule, corrected }) =>
      [line, rule, corrected].filter((part) => part !== undefined).join(' '),
  );
}
