/**
 * How long does linting a file of 500 entries take, compared with the parsers alone? `node bench/lint.ts [ENTRIES]`.
 * The target: under 300 ms for 500 entries (some 160 KiB) on two cores. Each number is a median, see median.ts.
 */
import { parse } from '@iarna/toml';
import { parseTOML } from 'toml-eslint-parser';

import { lintText } from '../test/support/lint-text.ts';
import { manyEntries } from '../test/support/many-entries.ts';
import { medianMilliseconds } from './median.ts';

const text = manyEntries(Number(process.argv[2] ?? 500));

/** What a command pays: nothing is warm yet. */
const started = performance.now();
lintText(text, 'config.toml', { now: 0 });
const first = performance.now() - started;

const lint = medianMilliseconds(() => void lintText(text, 'config.toml', { now: 0 }));
const parser = medianMilliseconds(() => void parseTOML(text, { tomlVersion: '1.1' }));
const peer = medianMilliseconds(() => void parse(text));

process.stdout.write(
  [
    `file            ${(Buffer.byteLength(text) / 1024).toFixed(0)} KiB`,
    `first lint      ${first.toFixed(0)} ms`,
    `lint            ${lint.toFixed(0)} ms`,
    `parser alone    ${parser.toFixed(0)} ms; lint takes ${(lint / parser).toFixed(1)} times as long`,
    `@iarna/toml     ${peer.toFixed(0)} ms; lint takes ${(lint / peer).toFixed(1)} times as long`,
    '',
  ].join('\n'),
);
