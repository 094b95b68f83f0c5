/** The report for the terminal: golden files at two widths, and what no name can do to it. */
import { readFile, writeFile } from 'node:fs/promises';

import { describe, expect, test } from 'vitest';

import type { View } from '../../../src/core/view.ts';
import { textOf } from '../../../src/report/text/text.ts';
import { brokenAt, fail, runner, snapshotOf } from '../../support/snapshots.ts';
import { brokenTrustView, viewOf } from '../../support/views.ts';

/** Lines that are wrapped; commands are to be copied and stay whole. */
function wrappedLines(text: string, view: View): readonly string[] {
  const commands = view.diagnosis.causes.flatMap(({ fix }) =>
    fix.flatMap(({ command = '' }) => command),
  );
  return text.split('\n').filter((line) => line.trim() === '' || !commands.includes(line.trim()));
}

describe.each([80, 100])('at %i columns', (width) => {
  const golden = new URL(`../../golden/check-${width}.txt`, import.meta.url);

  test('a broken TLS trust reads like the golden file (npm run golden writes it anew)', async () => {
    const text = `${textOf(brokenTrustView(), { colour: false, width })}\n`;
    if (process.env['UPDATE_GOLDEN'] !== undefined) await writeFile(golden, text);

    expect(text).toBe(await readFile(golden, 'utf8'));
  });

  test.each([
    ['a broken trust', brokenTrustView()],
    ['an unknown cause', viewOf(snapshotOf(brokenAt('tls', fail('never-heard-of'))))],
    [
      'long names',
      viewOf(
        snapshotOf(
          { token: fail('rejected') },
          { runners: [runner('runnerAA1', { name: 'a long name '.repeat(25) })] },
        ),
      ),
    ],
  ])('no line of %s is longer, with any long value', (_what, view) => {
    const lines = wrappedLines(textOf(view, { colour: false, width }), view);

    expect(lines.filter((line) => line.length > width)).toEqual([]);
  });

  test('colour takes no column', () => {
    const view = brokenTrustView();
    const plain = textOf(view, { colour: false, width });
    const coloured = textOf(view, { colour: true, width });

    expect(coloured).toContain('\u001B[31mBROKEN\u001B[0m');
    // oxlint-disable-next-line no-control-regex -- colour codes begin with a control character
    expect(coloured.replaceAll(/\u001B\[\d+m/g, '')).toBe(plain);
  });
});

test('the verdict comes first, then what to type', () => {
  const lines = textOf(brokenTrustView(), { colour: false }).split('\n');
  const at = (start: string): number =>
    lines.findIndex((line) => line.trimStart().startsWith(start));

  expect(lines[0]).toMatch(/^BROKEN {2}docker-1, docker-2, docker-3 get no jobs/);
  expect(at('sudo mkdir -p')).toBeGreaterThan(at('tls-unknown-authority'));
  expect(at('runners')).toBeGreaterThan(at('sudo mkdir -p'));
});

test('a healthy host is short, and a demo says that it is one', () => {
  const healthy = textOf(viewOf(snapshotOf()), { colour: false });

  expect(healthy).toMatch(/^HEALTHY {2}2 runners reach/);
  expect(healthy).not.toMatch(/candidates|evidence/);
  expect(textOf(viewOf(snapshotOf(), { demo: true }), { colour: false })).toMatch(
    /^This is a demo/,
  );
});

test('an unknown cause comes with candidates', () => {
  const text = textOf(viewOf(snapshotOf(brokenAt('tls', fail('never-heard-of')))), {
    colour: false,
  });

  expect(text).toMatch(/\npossible causes\n {2}tls-/);
});

describe('an entry of the name', () => {
  const names = [
    '\u001B[2J\u001B[1;1Hcleared',
    'two\nHEALTHY  lines',
    '\u202Eesrever',
    'bell\u0007',
    '\u009B31mred',
  ];

  test.each(names)('%j can neither move the cursor nor begin a line', (name) => {
    const runners = [runner('runnerAA1', { name })];
    const findings = { token: { ...fail('rejected'), detail: `GitLab refuses ${name}` } as const };
    const text = textOf(viewOf(snapshotOf(findings, { runners })), { colour: false });

    expect(text).toContain('\uFFFD');
    expect(text.replaceAll('\n', '')).toMatch(/^[^\p{Cc}\u202A-\u202E\u2066-\u2069]+$/u);
    expect(text.split('\n').filter((line) => /^\s*HEALTHY/.test(line))).toEqual([]);
  });

  test('of three hundred characters is cut in the table, not in the sentence', () => {
    const name = 'x'.repeat(300);
    const runners = [runner('runnerAA1', { name })];
    const text = textOf(viewOf(snapshotOf({ token: fail('rejected') }, { runners })), {
      colour: false,
    });

    expect(text).toContain(`  ${'x'.repeat(31)}…  runnerAA1`);
    expect(text).toContain(name);
  });
});
