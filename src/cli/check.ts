/**
 * `runnerwatch check`: one full round of the same probes and the same diagnosis as the daemon, then exit. With
 * `--watch` it runs until everything is healthy: on a terminal it redraws the report in place, elsewhere it prints it
 * again whenever the diagnosis changes.
 */
import { redactArgument } from '../core/redact-argument.ts';
import type { View } from '../core/view.ts';
import type { Daemon } from '../daemon.ts';
import { reportOf } from '../report/document.ts';
import { exitCodeOf, nagiosLine } from '../report/nagios.ts';
import { viewOfRunner } from '../report/one-runner.ts';
import { textOf } from '../report/text/text.ts';
import { createDaemon } from './create-daemon.ts';
import type { Invocation } from './command-line.ts';
import { endNow, waitForAbort, stopSignal } from './stop-signal.ts';
import { switchFlag, textFlag } from './command-line.ts';
import { terminalWidth, drawFrame, progressLine } from './screen.ts';

const EXIT_HEALTHY = 0;
const EXIT_UNSURE = 3;
const REDRAW_MILLISECONDS = 1000;
const LINGER_MILLISECONDS = 500;
const FOOTER = 'Watching until everything is healthy. Press Ctrl-C to stop.';

export async function check(invocation: Invocation): Promise<number> {
  const assembly = await createDaemon(invocation, { quiet: true });
  if (assembly.kind === 'done') {
    // To a monitoring system settings that cannot be used are "could not run"; --config.check has codes of its own.
    return switchFlag(invocation, 'config.check') ? assembly.exitCode : EXIT_UNSURE;
  }
  const { daemon } = assembly;
  if (switchFlag(invocation, 'watch')) return await watch(daemon, invocation);
  const takeAway = progressLine(
    process.stderr,
    () => daemon.view(),
    (listener) => daemon.onChange(listener),
  );
  const view = await daemon.once();
  takeAway();
  await daemon.stop();
  const exitCode = print(view, invocation);
  // A read that hangs would keep the process alive for ever; the report is complete.
  setTimeout(() => endNow(exitCode), LINGER_MILLISECONDS).unref();
  return exitCode;
}

async function watch(daemon: Daemon, invocation: Invocation): Promise<number> {
  const stop = stopSignal();
  const done = new AbortController();
  const isDrawn = process.stdout.isTTY && textFlag(invocation, 'format') === 'text';
  let shown = '';
  let exitCode = EXIT_UNSURE;
  const show = (): void => {
    const view = daemon.view();
    const { diagnosis, self } = view;
    const key = JSON.stringify([diagnosis.verdict, diagnosis.summary, diagnosis.runners]);
    if (key === shown && !isDrawn) return;
    shown = key;
    exitCode = print(view, invocation, isDrawn ? FOOTER : undefined);
    if (self.ready && exitCode === EXIT_HEALTHY) done.abort();
  };
  const redraw = isDrawn ? setInterval(show, REDRAW_MILLISECONDS) : undefined;
  const end = isDrawn ? () => {} : daemon.onChange(show);
  await daemon.start();
  daemon.markListening();
  await Promise.race([waitForAbort(stop), waitForAbort(done.signal)]);
  clearInterval(redraw);
  end();
  await daemon.stop();
  return exitCode;
}

/** Prints a view in the requested format and returns its exit code. */
export function print(view: View, invocation: Invocation, footer?: string): number {
  const wanted = textFlag(invocation, 'runner');
  const shown = wanted === undefined ? view : viewOfRunner(view, wanted);
  if (shown === undefined) {
    const known = view.diagnosis.runners
      .map(({ runner, name }) => `${name} (${runner})`)
      .join(', ');
    const files = view.snapshot.hostContext.contexts.map(({ configPath }) => configPath);
    process.stderr.write(
      `runnerwatch: no runner "${redactArgument(wanted ?? '')}" in ${files.join(', ')}; known: ${known || 'none'}\n`,
    );
    return EXIT_UNSURE;
  }
  const text = textIn(textFlag(invocation, 'format'), shown);
  if (footer === undefined) process.stdout.write(`${text}\n`);
  else drawFrame(process.stdout, text, footer);
  return exitCodeOf(shown.diagnosis.verdict);
}

function textIn(format: string | undefined, view: View): string {
  if (format === 'json') return JSON.stringify(reportOf(view), undefined, 2);
  if (format === 'nagios') return nagiosLine(view);
  const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  return textOf(view, { colour, width: terminalWidth() });
}
