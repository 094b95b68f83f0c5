/** argv, environment, signals, exit code; nothing else. */
import { parseCommandLine } from './cli/command-line.ts';
import { helpText } from './cli/command-table.ts';
import { runCommand } from './cli/run-command.ts';
import { endNow } from './cli/stop-signal.ts';
import { isErrno } from './core/errno.ts';
import { VERSION } from './core/version.ts';

/** A usage mistake, by the custom of command-line tools. */
const EXIT_USAGE = 2;

const parsed = parseCommandLine(process.argv.slice(2));

// A reader that goes away (`runnerwatch check | head -1`) is no error, and ends the program while a file hangs, too.
process.stdout.on('error', (error) => {
  if (isErrno(error, 'EPIPE')) endNow(Number(process.exitCode ?? 0));
});
// A log that cannot be written, on a disk that is full, costs the log alone.
process.stderr.on('error', () => {});

switch (parsed.kind) {
  case 'mistake':
    process.stderr.write(`runnerwatch: ${parsed.message}\n`);
    process.exitCode = EXIT_USAGE;
    break;
  case 'print':
    process.stdout.write(
      parsed.text === 'version' ? `runnerwatch ${VERSION}\n` : helpText(parsed.command),
    );
    break;
  case 'run':
    process.exitCode = await runCommand(parsed.invocation);
    break;
}
