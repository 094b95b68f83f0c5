/**
 * Broken files for the linter, the same ones for the same seed: cut, flipped, spliced, nested, binary, in other
 * encodings. Every original holds secrets that no output may hold.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { codeQualityOf } from '../../src/lint/code-quality.ts';
import { diffOf } from '../../src/lint/diff.ts';
import { applyEdits } from '../../src/lint/edits.ts';
import { judge, prepare, reportOf, textOf } from '../../src/lint/lint.ts';
import { lintReportText } from '../../src/lint/text.ts';
import { LINT_NOW, lintCases } from './lint-cases.ts';

const SECRET = 'CANARYcanary0CANARYcanary1';
/** Enough of it to be of use to a thief. */
const LEAK = SECRET.slice(0, 24);
const FIXTURES = join(import.meta.dirname, '../fixtures');

/** Secrets are at the places where real files have them. */
function withSecrets(text: string): string {
  return text
    .replaceAll(/(?<=token = ")glrt-[^"]*/g, `glrt-${SECRET}`)
    .replaceAll(/(?<=(?:SecretKey|AccessKey|password|AccountKey) = ")[^"]*/g, SECRET)
    .replaceAll(/(?<=environment = \[")[^"]*/g, `API_PASSWORD=${SECRET}`);
}

function originals(): readonly string[] {
  const folders = ['runner-config', 'lint/silent'];
  const files = folders.flatMap((folder) =>
    readdirSync(join(FIXTURES, folder)).map((name) =>
      readFileSync(join(FIXTURES, folder, name), 'utf8'),
    ),
  );
  return [...files, ...lintCases().map(({ text }) => text)].map((text) => withSecrets(text));
}

/** Mulberry32: small, and the same everywhere. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Mutation = (
  text: string,
  random: (below: number) => number,
  other: string,
) => string | Uint8Array;

const SIGNS = [
  '"',
  "'",
  '[',
  ']',
  '{',
  '}',
  '=',
  '#',
  '\n',
  '\\',
  ',',
  '.',
  '"""',
  "'''",
  '\u0000',
  '\uFEFF',
  'é',
];

function at(text: string, from: number, by: string, length = 0): string {
  return text.slice(0, from) + by + text.slice(from + length);
}

const MUTATIONS: readonly Mutation[] = [
  (text, random) => text.slice(0, random(text.length)),
  (text, random) => text.slice(random(text.length)),
  (text, random) => {
    const bytes = Buffer.from(text);
    for (let times = random(4); times >= 0; times -= 1) bytes[random(bytes.length)] = random(256);
    return bytes;
  },
  (text, random) => at(text, random(text.length), SIGNS[random(SIGNS.length)] ?? ''),
  (text, random) => at(text, random(text.length), '', 1 + random(3)),
  (text, random, other) => text.slice(0, random(text.length)) + other.slice(random(other.length)),
  (text, random, other) => {
    const lines = text.split('\n');
    const from = other.split('\n');
    lines.splice(random(lines.length), random(2), from[random(from.length)] ?? '');
    return lines.join('\n');
  },
  (text, random) => {
    const lines = text.split('\n');
    const [line = ''] = lines.splice(random(lines.length), 1);
    lines.splice(random(lines.length), 0, line);
    return lines.join('\n');
  },
  (text, random) => `${text}\nx = ${'['.repeat(random(400))}${']'.repeat(random(400))}`,
  (text, random) => `${text}\n${'a.'.repeat(random(200))}b = 1`,
  (text) => text.replaceAll('\n', '\r\n'),
  (text) => `\uFEFF${text}`,
  (text) => Buffer.from(text, 'utf16le'),
  (_text, random) => Buffer.from(Array.from({ length: random(300) }, () => random(256))),
  (text, random) =>
    text.replaceAll(/ = "[^"]*"/g, (value) => (random(4) === 0 ? ` = ${random(99)}` : value)),
  (text, random) =>
    text.replaceAll(/= (?:\d+|true|false)/g, (value) => (random(3) === 0 ? '= "x"' : value)),
];

/** The mutated files of one seed after the other. */
export function* mutatedFiles(count: number): Generator<Uint8Array> {
  const texts = originals();
  for (let seed = 0; seed < count; seed += 1) {
    const random = randomOf(seed);
    const pick = (): string => texts[random(texts.length)] ?? '';
    const mutate = MUTATIONS[seed % MUTATIONS.length];
    const made = mutate?.(pick(), random, pick()) ?? '';
    yield typeof made === 'string' ? Buffer.from(made) : made;
  }
}

/** Lints a file with every option; returns what is wrong with the result, or nothing. */
export function problemsWith(content: Uint8Array): string | undefined {
  const prepared = prepare(content, 'config.toml');
  const report = reportOf(prepared, { now: LINT_NOW, environment: {} });
  const text = textOf(content);
  const fixed = applyEdits(content, judge(prepared, { now: LINT_NOW }));
  const outputs = [
    lintReportText(report, text.split('\n'), { colour: false }),
    JSON.stringify(report),
    JSON.stringify(codeQualityOf(report)),
    diffOf(text, textOf(fixed.text), 'config.toml'),
  ];
  if (outputs.some((output) => output.includes(LEAK))) return 'a secret is in an output';
  if (fixed.text.split(LEAK).length !== text.split(LEAK).length)
    return 'a correction touched a secret';
  const isWorse = prepared.parsed.whole && !prepare(fixed.text, 'config.toml').parsed.whole;
  return isWorse ? 'a correction broke the file' : undefined;
}
