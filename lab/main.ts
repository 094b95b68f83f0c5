/**
 * `npm run lab`: injects faults into real namespaces and checks the report of runnerwatch. `-- D-03 X-07` runs some
 * rows, `-- --list` lists them; `-- --timing` measures how soon faults are seen, for docs/timing.md. The last line is `N passed, N failed`.
 */
import { runRows } from './pool.ts';
import type { Outcome } from './run-row.ts';
import { isMissing } from './scenario.ts';
import { ROWS } from './scenarios/index.ts';
import { measureTimes } from './timing.ts';

const MAX_ROW_MILLISECONDS = 360_000;

const args = process.argv.slice(2);
if (args.includes('--list')) {
  for (const row of ROWS)
    print(`${row.id}  ${row.title}${isMissing(row) ? ` (cannot: ${row.cannot})` : ''}`);
} else {
  process.exitCode = await main();
}

async function main(): Promise<number> {
  if (process.getuid?.() !== 0) {
    print('the lab makes network namespaces, so it needs root. Type: sudo npm run lab');
    print('0 passed, 1 failed');
    return 1;
  }
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  if (args.includes('--timing')) {
    const rows = args.filter((arg) => arg !== '--timing');
    return (await measureTimes(rows, stop.signal, print)) ? 0 : 1;
  }
  const unknown = args.find((arg) => ROWS.every(({ id }) => id !== arg));
  if (unknown !== undefined) {
    print(`there is no row "${unknown}"; npm run lab -- --list names them all`);
    return 2;
  }
  const wanted = ROWS.filter(({ id }) => args.length === 0 || args.includes(id));
  const ids = wanted.filter((row) => !isMissing(row)).map(({ id }) => id);
  const found = await runRows<Outcome>(ids, stop.signal, {
    maxMilliseconds: MAX_ROW_MILLISECONDS,
    failed: (id, problem, details) => ({
      id,
      expected: '',
      got: 'nothing',
      problems: [problem],
      details,
    }),
    done: progress,
  });
  const outcomes = ids.flatMap((id) => found.find((outcome) => outcome.id === id) ?? []);
  table(outcomes);
  for (const row of wanted)
    if (isMissing(row)) print(`cannot be built here: ${row.id} ${row.title}: ${row.cannot}`);
  for (const outcome of outcomes.filter(({ problems }) => problems.length > 0)) failure(outcome);
  const passed = outcomes.filter(({ problems }) => problems.length === 0).length;
  const failed = ids.length - passed;
  print(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function progress({ id, problems, got }: Outcome): void {
  print(
    `${problems.length === 0 ? 'ok    ' : 'FAILED'} ${id}  ${got}${problems.map((text) => `\n       ${text}`).join('')}`,
  );
}

function failure({ id, expected, got, problems, details }: Outcome): void {
  print(`\n---- ${id}: expected ${expected}, got ${got}`);
  for (const text of problems) print(`     ${text}`);
  print(details);
}

function table(outcomes: readonly Outcome[]): void {
  const rows = outcomes.map(({ id, expected, got, detectSeconds, clearSeconds, problems }) => [
    `${problems.length === 0 ? ' ' : '!'}${id}`,
    expected,
    got,
    detectSeconds?.toFixed(1) ?? '-',
    clearSeconds?.toFixed(1) ?? '-',
  ]);
  const all = [[' id', 'expected', 'got', 'detect s', 'clear s'], ...rows];
  const widths = all[0]?.map((_, column) =>
    Math.max(...all.map((row) => row[column]?.length ?? 0)),
  );
  print('');
  for (const row of all)
    print(
      row
        .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
