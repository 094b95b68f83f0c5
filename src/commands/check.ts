/**
 * `runnerwatch check`: one full round of the same probes and the same diagnosis as the daemon, then exit.
 * With `--watch` it goes on and prints the report again whenever the judgement changes.
 */
import { shownWord } from '../core/shown-word.ts';
import type { View } from '../core/view.ts';
import type { Daemon } from '../daemon.ts';
import { reportOf } from '../report/document.ts';
import { exitCodeOf } from '../report/exit-code.ts';
import { nagiosLine } from '../report/nagios.ts';
import { viewOfRunner } from '../report/one-runner.ts';
import { textOf } from '../report/text.ts';
import { assemble } from './assemble.ts';
import type { Invocation } from './command-line.ts';
import { switchFlag, textFlag } from './flag-values.ts';
import { aborted, stopSignal } from './stop-signal.ts';

const EXIT_UNSURE = 3;
/** As wide as the terminal, within what can be read. */
const MOST_COLUMNS = 100;
const LEAST_COLUMNS = 60;

export async function check(invocation: Invocation): Promise<number> {
  const assembly = await assemble(invocation, { quiet: true });
  if (assembly.kind === 'done') {
    // To a monitoring system settings that cannot be used are "could not run"; --config.check has codes of its own.
    return switchFlag(invocation, 'config.check') ? assembly.exitCode : EXIT_UNSURE;
  }
  const { daemon } = assembly;
  if (switchFlag(invocation, 'watch')) return await watch(daemon, invocation);
  const view = await daemon.once();
  await daemon.stop();
  return print(view, invocation);
}

async function watch(daemon: Daemon, invocation: Invocation): Promise<number> {
  const stop = stopSignal();
  let shown = '';
  let exitCode = EXIT_UNSURE;
  const show = (): void => {
    const view = daemon.view();
    const { diagnosis } = view;
    const key = JSON.stringify([diagnosis.verdict, diagnosis.summary, diagnosis.runners]);
    if (key === shown) return;
    shown = key;
    exitCode = print(view, invocation);
  };
  daemon.onChange(show);
  await daemon.start();
  daemon.markListening();
  await aborted(stop);
  await daemon.stop();
  return exitCode;
}

/** Prints a view in the format asked for and returns its exit code. */
function print(view: View, invocation: Invocation): number {
  const wanted = textFlag(invocation, 'runner');
  const shown = wanted === undefined ? view : viewOfRunner(view, wanted);
  if (shown === undefined) {
    const known = view.diagnosis.runners
      .map(({ runner, name }) => `${name} (${runner})`)
      .join(', ');
    process.stderr.write(
      `runnerwatch: there is no runner "${shownWord(wanted ?? '')}" in ${view.snapshot.surroundings.configPath}; there are: ${known || 'none'}\n`,
    );
    return EXIT_UNSURE;
  }
  process.stdout.write(`${textIn(textFlag(invocation, 'format'), shown)}\n`);
  return exitCodeOf(shown.diagnosis.verdict);
}

function textIn(format: string | undefined, view: View): string {
  if (format === 'json') return JSON.stringify(reportOf(view), undefined, 2);
  if (format === 'nagios') return nagiosLine(view);
  const { isTTY, columns } = process.stdout;
  const colour = isTTY && process.env['NO_COLOR'] === undefined;
  const width = isTTY ? Math.max(LEAST_COLUMNS, Math.min(MOST_COLUMNS, columns)) : MOST_COLUMNS;
  return textOf(view, { colour, width });
}
