/** The runner's own program and its log, typed by a person: the same however it was started. */
import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import type { Command, Place } from '../../core/place.ts';
import { quoteArgument } from '../../core/shell.ts';

export interface RunnerCommand {
  readonly user: Place['user'];
  /** `gitlab-runner`, or the path of the program where PATH does not lead to it. */
  readonly program: string;
  /** Installs the package of the runner. */
  readonly install: Command;
  /** The file that the runner logs to, where that is known. */
  readonly logFile?: string | undefined;
}

/** `sudo`, or as the user of the runner with its own home: there lie its config and its certificates. */
export function asUser({ user }: RunnerCommand, options = ''): string {
  const sudo = options === '' ? 'sudo' : `sudo ${options}`;
  return user.uid === 0 || user.name === 'root'
    ? sudo
    : `${sudo} -H -u ${quoteArgument(/^\d+$/.test(user.name) ? `#${user.name}` : user.name)}`;
}

export function runnerCommand(given: RunnerCommand, words: string): Command {
  return `${asUser(given)} ${quoteArgument(given.program)} ${words}`;
}

/** A program that no package installed is replaced by hand. */
export function upgradeStep({ program, install }: RunnerCommand, text: string): FixStep {
  return program.includes('/')
    ? step(
        `${text} Replace ${program} by that of the current release.`,
        `${quoteArgument(program)} --version`,
      )
    : step(text, install);
}

/** A file of its own is read with tail; else with what the manager keeps. */
export function logStep(
  { logFile }: RunnerCommand,
  text: string,
  lines: number,
  kept: Command | undefined,
): FixStep {
  if (logFile !== undefined) return step(text, `sudo tail -n ${lines} ${quoteArgument(logFile)}`);
  return kept === undefined
    ? step(`${text} It goes to the terminal that the runner was started in.`)
    : step(text, kept);
}
