/** The commands of docs/containers.md that start runnerwatch in a container are those with which the lab starts it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { ROWS } from '../../lab/scenarios/index.ts';
import { isMissing } from '../../lab/scenario.ts';
import { parseCommandLine } from '../../src/cli/command-line.ts';
import { codeBlocks } from '../support/markdown.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/containers.md'), 'utf8');
const IMAGE = 'registry.invalid/runnerwatch:0.1.0';
/** A person runs it behind the terminal, and keeps its state. */
const OF_PERSONS = [
  '-d',
  '--name=runnerwatch',
  '--restart=always',
  '-v=runnerwatch:/var/lib/runnerwatch',
];

const COMMANDS = codeBlocks(PAGE)
  .flatMap(({ lines }) => lines)
  .filter((line) => line.startsWith('sudo docker run '));

/** `--pid host` and `--pid=host` are one option. */
function optionsOf(words: string): readonly string[] {
  return words
    .trim()
    .split(/ (?=-)/)
    .map((option) => option.replace(/^--volume/, '-v').replace(/^(-\S+?) /, '$1='));
}

function documented(nth: number) {
  const [options = '', flags = ''] = (COMMANDS[nth] ?? '')
    .replace('sudo docker run ', '')
    .split(IMAGE);
  return {
    options: optionsOf(options).filter((option) => !OF_PERSONS.includes(option)),
    flags: flags.trim().split(' ').filter(Boolean),
  };
}

function started(id: string) {
  const row = ROWS.find((one) => one.id === id);
  if (row === undefined || isMissing(row)) throw new Error(`no row ${id}`);
  const { options = [], flags = [] } = row.world?.daemon?.container ?? {};
  return { options: options.flatMap((option) => optionsOf(option)), flags };
}

test.each([
  ['beside a host', 0, 'WC-10'],
  ['beside a container', 1, 'WC-30'],
])('%s', (_where, nth, row) => {
  const { options, flags } = documented(nth);

  expect(options.toSorted()).toEqual(started(row).options.toSorted());
  expect(flags.toSorted()).toEqual(started(row).flags.toSorted());
  expect(parseCommandLine(flags)).toMatchObject({ kind: 'run' });
});

test('the page has no other command of that kind', () => {
  expect(COMMANDS).toHaveLength(2);
});
