/** Problems that keep one `[[runners]]` entry from being checked. They do not stop the file from loading. */
import type { Problem } from '../../core/reading.ts';
import { redactUrl } from './base-url.ts';
import { formatVariable, isVariableName } from './expand.ts';
import type { RunnerEntry } from './runner-config.ts';

type Key = 'url' | 'token';

function entryPosition(
  entry: RunnerEntry,
  key: Key,
  file: string,
): Pick<Problem, 'file' | 'line' | 'column' | 'key'> {
  const { line, column } = key === 'url' ? entry.urlPlace : entry.tokenPlace;
  return { file, line, column, key: `runners.${key}` };
}

/** `the entry "docker-1"`, or by its number where it has no name. */
function entryLabel({ name, number }: RunnerEntry): string {
  return name === '' ? `entry ${number}` : `entry "${name}"`;
}

/** Variables of url or token that the runner's process does not have. */
export function unsetProblems(
  entry: RunnerEntry,
  key: Key,
  unset: readonly string[],
  file: string,
): readonly Problem[] {
  return unset.map((variable) => ({
    code: 'env-unset',
    ...entryPosition(entry, key, file),
    message: `${key} of ${entryLabel(entry)} uses ${formatVariable(variable)}, which is not set for the runner process: ${key} becomes empty`,
    fix: `Set the variable in the environment that starts the runner and restart the runner, or write the value of ${key} into config.toml.`,
    found: formatVariable(variable),
    ...(isVariableName(variable) ? { variable } : {}),
  }));
}

/** This runner takes `$NAME` as it is written. */
export function notFilledProblem(entry: RunnerEntry, key: Key, file: string): Problem {
  return {
    code: 'env-not-filled',
    ...entryPosition(entry, key, file),
    message: `${key} of ${entryLabel(entry)} names a variable, and this runner fills in none: only 18.10 and newer do`,
    fix: `Write the value of ${key} into config.toml, or update the runner to 18.10 or newer.`,
  };
}

/** 18.9 and 18.10 have the same library, and this program does not show which of them it is. */
export function unknownFillingProblem(entry: RunnerEntry, key: Key, file: string): Problem {
  return {
    code: 'env-filling-unknown',
    ...entryPosition(entry, key, file),
    message: `${key} of ${entryLabel(entry)} names a variable, and it is not known whether this runner fills in variables: 18.10 and newer do`,
    fix: `Compare \`gitlab-runner --version\`, or write the value of ${key} into config.toml.`,
  };
}

/** The environment cannot be read, so url or token are not known. */
export function expansionProblem(entry: RunnerEntry, key: Key, file: string): Problem {
  return {
    code: 'env-unreadable',
    ...entryPosition(entry, key, file),
    message: `${key} of ${entryLabel(entry)} cannot be expanded: the environment of the runner process is not readable`,
    fix: 'Start the runner, and let runnerwatch read /proc/PID/environ (CAP_SYS_PTRACE).',
  };
}

/** `why` completes "the url …". `text` is expanded already. */
export function urlProblem(entry: RunnerEntry, text: string, why: string, file: string): Problem {
  const shown = redactUrl(text);
  return {
    code: 'url-invalid',
    ...entryPosition(entry, 'url', file),
    message: `the url of ${entryLabel(entry)} ${why}${shown === '' ? '' : `: "${shown}"`}`,
    fix: 'Write the address of GitLab as in a browser: `url = "https://gitlab.example.com/"`.',
    expected: 'https://HOST/',
    found: shown,
  };
}
