/** A runner that a script in /etc/init.d runs. */
import { step } from '../../core/diagnosis.ts';
import type { PlaceCommands } from '../../core/place.ts';
import { assignmentArguments, editFile, quoteArgument } from '../../core/shell.ts';
import { limitStep, raiseLimitSteps } from './process-limits.ts';
import type { RunnerCommand } from './runner-command.ts';
import { logStep, runnerCommand, upgradeStep } from './runner-command.ts';

export interface SysvScript extends RunnerCommand {
  /** Its name in /etc/init.d. */
  readonly script: string;
  /** The file of variables that the script reads; absent where it reads none. */
  readonly defaultsFile?: string | undefined;
  /** Where the script writes the id of the process. */
  readonly processFile: string;
}

export function sysvCommands(given: SysvScript): PlaceCommands {
  const service = `sudo service ${quoteArgument(given.script)}`;
  const file = `/etc/init.d/${given.script}`;
  const restart = `${service} restart`;
  const processId = `"$(cat ${quoteArgument(given.processFile)})"`;
  const restarted = step('Restart the runner.', restart);
  return {
    start: `${service} start`,
    stop: `${service} stop`,
    restart,
    reload: `sudo kill -HUP ${processId}`,
    processId,
    runner: (words) => runnerCommand(given, words),
    showLog: (text, lines = 50) =>
      logStep(given, text, lines, `sudo grep -h gitlab-runner /var/log/syslog | tail -n ${lines}`),
    setEnvironment: (text, variables) => [
      step(text, exporting(given.defaultsFile, file, `export ${assignmentArguments(variables)}`)),
      restarted,
    ],
    enterEnvironment: (text, names) => [
      step(
        `${text} The line is export ${names.map((name) => `${name}=value`).join(' ')}.`,
        `sudoedit ${quoteArgument(given.defaultsFile ?? file)}`,
      ),
      restarted,
    ],
    upgrade: (text) => upgradeStep(given, text),
    useConfig: (text, path) => [step(text, editConfig(file, path)), restarted],
    showLimit: (text, limit) => limitStep(text, limit, processId),
    raiseLimit: (text, limit, present) => raiseLimitSteps(text, limit, { processId, present }),
  };
}

/** Opens the script; the comment is the flag to write. */
function editConfig(file: string, path: string): string {
  const command = `sudoedit ${quoteArgument(file)}   # run --config ${quoteArgument(path)}`;
  return command.replaceAll('\n', ' ');
}

/** Into the file that the script reads, else below the first line of the script itself. */
function exporting(defaultsFile: string | undefined, script: string, line: string): string {
  if (defaultsFile !== undefined) {
    return `echo ${quoteArgument(line)} | sudo tee -a ${quoteArgument(defaultsFile)}`;
  }
  return editFile(quoteArgument(script), ['1r /dev/stdin'], `echo ${quoteArgument(line)}`);
}
