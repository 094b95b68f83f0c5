/**
 * A runner that a person or a program of their own started: in a terminal, by nohup, by cron. Nothing starts it
 * again, so a restart ends the process and runs the very command line that it was started with, in its environment.
 */
import { step } from '../../core/diagnosis.ts';
import type { PlaceCommands } from '../../core/place.ts';
import { assignmentArguments, quoteArgument } from '../../core/shell.ts';
import { limitStep, raiseLimitSteps } from './process-limits.ts';
import type { RunnerCommand } from './runner-command.ts';
import { asUser, logStep, runnerCommand, upgradeStep } from './runner-command.ts';

export interface HandStarted extends RunnerCommand {
  /** Absent while it does not run. */
  readonly pid?: number | undefined;
  /** The command line, from the program on. */
  readonly words: readonly string[];
  readonly workingDirectory?: string | undefined;
}

/** As long as systemd gives a service before it kills it. */
const PATIENCE_SECONDS = 90;
const ASKS = 'The command asks for the value first.';
const WITHOUT_END =
  'It has no unit and no script: the command ends the process and starts it anew.';

export function handStartedCommands(given: HandStarted): PlaceCommands {
  const { pid, words } = given;
  const processId = pid === undefined ? `"$(pgrep -of 'gitlab-runner.* run')"` : String(pid);
  const stop = stopping(processId);
  const start = starting(given, words);
  const anew = (rest: readonly string[], values: NewValues = {}) =>
    pid === undefined
      ? starting(given, rest, values.assignments)
      : restarting({ ...given, pid }, rest, values);
  return {
    start,
    stop,
    restart: anew(words),
    reload: `sudo kill -HUP ${processId}`,
    processId,
    runner: (rest) => runnerCommand(given, rest),
    showLog: (text, lines = 50) => logStep(given, text, lines, undefined),
    setEnvironment: (text, variables) => [
      step(`${text} ${WITHOUT_END}`, anew(words, { assignments: assignmentArguments(variables) })),
    ],
    enterEnvironment: (text, names) => [
      step(
        `${text} ${WITHOUT_END} ${ASKS}`,
        asking(names, (assignments) => anew(words, { assignments, isAsked: true })),
      ),
    ],
    upgrade: (text) => upgradeStep(given, text),
    useConfig: (text, path) => [step(`${text} ${WITHOUT_END}`, anew(withConfig(words, path)))],
    showLimit: (text, limit) => limitStep(text, limit, processId),
    raiseLimit: (text, limit, present) => raiseLimitSteps(text, limit, { processId, present }),
  };
}

/** Ends it with a signal, waits, and kills it after the time that systemd would wait. */
function stopping(processId: string): string {
  const wait = `timeout ${PATIENCE_SECONDS} tail --pid=${processId} -f /dev/null`;
  return `sudo kill ${processId}; ${wait} || sudo kill -KILL ${processId}`;
}

/** Reads each value from the terminal, in a shell of its own; without one nothing else runs. */
function asking(names: readonly string[], then: (assignments: string) => string): string {
  const questions = names.map((name) => `printf '${name}: ' && read -r ${name}`).join(' && ');
  const assignments = names.map((name) => `${name}="$${name}"`).join(' ');
  return `(${questions} && { ${then(assignments)}; })`;
}

interface NewValues {
  /** As arguments of a shell. */
  readonly assignments?: string;
  /** They are variables of the shell that has asked for them. */
  readonly isAsked?: boolean;
}

/**
 * Its environment has what no file may have, such as the proxy of the shell that it was started in. It is read from
 * the process before that ends, and shown nowhere.
 */
function restarting(
  given: HandStarted & { readonly pid: number },
  words: readonly string[],
  { assignments = '', isAsked = false }: NewValues,
): string {
  const { pid, workingDirectory = '/', logFile } = given;
  const program = words.map((word) => quoteArgument(word)).join(' ');
  const log = logFile === undefined ? '' : ` >>${quoteArgument(logFile)} 2>&1`;
  const wait = `timeout ${PATIENCE_SECONDS} tail --pid=${pid} -f /dev/null`;
  const values = assignments === '' ? '' : `${assignments} `;
  const script = [
    `kill ${pid}; ${wait} || kill -KILL ${pid}`,
    `cd ${quoteArgument(workingDirectory)} && exec env -i "$@" ${values}nohup ${program}${log}`,
  ].join('; ');
  const passed = isAsked ? `env ${values}` : '';
  return `${asUser(given, '-b')} ${passed}xargs -0 -a /proc/${pid}/environ sh -c ${quoteArgument(script)} sh`;
}

/** In the background, not ended with the terminal, in its folder and with its log, which a shell of its own opens. */
function starting(
  given: HandStarted,
  words: readonly string[],
  /** As arguments of a shell; none by default. */
  assignments = '',
): string {
  const program = words.map((word) => quoteArgument(word)).join(' ');
  const user = asUser(given, '-b');
  const sudo = assignments === '' ? user : `${user} env ${assignments}`;
  const { workingDirectory = '/', logFile } = given;
  if (workingDirectory === '/' && logFile === undefined) return `${sudo} nohup ${program}`;
  const log = logFile === undefined ? '' : ` >>${quoteArgument(logFile)} 2>&1`;
  const script = `cd ${quoteArgument(workingDirectory)} && exec nohup ${program}${log}`;
  return `${sudo} sh -c ${quoteArgument(script)}`;
}

/** The same command line with another config.toml. */
function withConfig(words: readonly string[], path: string): readonly string[] {
  const index = words.findLastIndex((word) => /^(?:--?config|-c)(?:=|$)/.test(word));
  if (index === -1) return [...words, '--config', path];
  const isOneWord = words[index]?.includes('=') === true;
  return [...words.slice(0, index), '--config', path, ...words.slice(index + (isOneWord ? 1 : 2))];
}
